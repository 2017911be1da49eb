// What a request can choose between, by name. Includes nothing of ours.
#pragma once

namespace sfumato {

enum class operation { inpaint, txt2img, img2img, upscale };
/// What fills a selection: patches of its surroundings, a diffusion model, or LaMa, a network that takes no words.
enum class method { patchmatch, diffusion, lama };
/// How much of the surroundings a pipeline sees.
enum class context { automatic, image, selection };
/// Which pixels are read: the active layer alone or all that is visible.
enum class source { layer, visible };

/// What a network was trained to predict from a noisy sample x = α·x0 + σ·n: the noise n; v = α·n − σ·x0 where
/// α² + σ² = 1 (Salimans & Ho 2022); or the flow's velocity n − x0.
enum class prediction { epsilon, v, flow };

/// What torch.randn does on the CPU (ComfyUI's noise): MT19937. On CUDA (A1111's default): Philox 4×32-10.
enum class generator { cpu, cuda };

enum class sampler {
    euler,
    euler_a,
    heun, // two evaluations a step
    dpmpp_2m,
    dpmpp_2m_sde,
    dpmpp_sde, // two evaluations a step
    dpmpp_3m_sde,
    ddim, // Euler, or with η > 0 Euler a, under the name and with the schedules that diffusers users know
    plms, // one evaluation more than steps
    unipc,
    lcm,
};

/// Where the noise levels of a run lie. Named as ComfyUI, A1111 and diffusers name them.
enum class scheduler {
    normal,       // timesteps evenly from the last to 0
    karras,       // σ^(1/7) evenly (Karras et al. 2022)
    exponential,  // ln σ evenly
    sgm_uniform,  // timesteps evenly from the last, one step short of 0
    simple,       // every (1000/n)-th of the table from the top
    ddim_uniform, // the timesteps of leading. (ComfyUI adds a step where n does not divide 1000.)
    beta,         // timesteps at quantiles of Beta(0.6, 0.6) (Lee et al. 2024)
    ays,          // Align Your Steps (Sabour et al. 2024): found for 10 steps, else interpolated in ln σ
    leading,      // diffusers, steps_offset 1: 1, 1 + r, 1 + 2r … with r = ⌊1000/n⌋
    trailing,     // diffusers: 999, 999 − 1000/n …, rounded
    linspace,     // diffusers: evenly from 999 to 0; σ interpolated linearly
    lcm,          // of the 50 timesteps that LCM was distilled at, n evenly
};

/// How much time an inpaint takes for what lies around the hole.
enum class quality {
    normal,
    high, // LanPaint: Langevin steps before each step, with ordinary models
};

/// What a cell of the latent takes of a mask's pixels that lie in it.
enum class mask_cells {
    maximum, // a cell that holds anything of the mask is made anew as a whole
    mean,
    nearest, // that of its first pixel: diffusers
};

/// How a strength below 1, for runs that begin from a picture, shortens them.
enum class strength_rule {
    /// All steps run, the last ones of a schedule of ⌊steps / strength⌋: how long it takes does not depend on strength.
    /// ComfyUI's denoise; A1111 with "do exactly the amount of steps the slider specifies".
    full_steps,
    /// The last ⌊steps · strength⌋ of a schedule of `steps`: diffusers. (A1111 by default runs one more.)
    fewer_steps,
};

} // namespace sfumato
