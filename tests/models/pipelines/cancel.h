// How long the stages of a diffusion model's run go on after they were cancelled.
#pragma once

#include "models/pipelines/diffusion/denoise.h"
#include "tests/kernels/kernel_test.h"

#include <chrono>
#include <thread>

namespace sfumato {

/// Seconds that `work` (job → whether it ran to its end) goes on after it was cancelled, a tenth of a second into
/// `stage`: the least of three, since other programs may keep the machine busy.
template <class Work> double seconds_to_cancel(std::string const& stage, Work const& work) {
    using clock = std::chrono::steady_clock;
    double least = 1e9;
    for (int attempt = 0; attempt < 3; ++attempt) {
        std::atomic<bool> cancelled = false;
        clock::time_point asked;
        std::jthread user;
        auto const report = [&](progress const& p) {
            if (user.joinable() || !p.text().starts_with(stage)) return;
            user = std::jthread([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
                asked = clock::now();
                cancelled = true;
            });
        };
        bool const ended = work(job{.report = report, .cancelled = &cancelled});
        auto const stopped = clock::now();
        if (user.joinable()) user.join();
        EXPECT_FALSE(ended) << stage << " is too short for this test, or was never reported";
        least = std::min(least, std::chrono::duration<double>(stopped - asked).count());
    }
    return least;
}

/// Each stage that takes seconds where it is not cancelled, at a latent of cells × cells.
inline void expect_to_end_within_a_second(diffusion_model& model, std::string const& prompt, int cells, dtype storage) {
    device& d = test_device();
    memory_plan const memory =
        plan_memory(d, model, {.height = cells, .width = cells, .guided = false, .encodes_picture = true},
                    {storage, storage, storage});
    turns const turn{d, model, memory};
    sampling_run const run = plan_sampling({.sampler = sampler::euler, .scheduler = scheduler::normal, .steps = 2});
    latent const any{cells, cells, 4, random_values(std::size_t(cells) * cells * 4, -1, 1)};
    int const channels = shape_of(model.denoiser()).context_channels, cell = model.latents().cell;
    conditioning const prompt_read{77, channels, random_values(std::size_t(77) * channels, -1, 1), {}};
    clip_config const encoder = model.texts().front();
    clip_vocabulary const vocabulary{.size = encoder.vocabulary, .pad = encoder.pad};
    auto const text = [&](job const& j) {
        return encode_prompts(turn, {.clips = {{encoder, {make_chunks(prompt, vocabulary)}}}}, j).has_value();
    };
    auto const encode = [&](job const& j) {
        picture const p(cells * cell, cells * cell);
        return encode_picture(d, turn.begin({role::vae_encoder}), model.vae(), p, {}, storage, j).has_value();
    };
    auto const step = [&](job const& j) {
        denoise_inputs const in{.run = run, .start = {any}, .positive = prompt_read};
        return denoise(d, turn.begin({role::denoiser}), model.denoiser(), in, storage, j).has_value();
    };
    auto const decode = [&](job const& j) {
        return decode_latent(d, turn.begin({role::vae_decoder}), model.vae(), any, {}, storage, j).has_value();
    };
    std::vector<std::pair<char const*, double>> measured;
    if (!prompt.empty()) measured.emplace_back("read the prompt", seconds_to_cancel("read the prompt", text));
    measured.emplace_back("encode the picture", seconds_to_cancel("encode the picture", encode));
    measured.emplace_back("step", seconds_to_cancel("step", step));
    measured.emplace_back("decode the picture", seconds_to_cancel("decode the picture", decode));
    for (auto const& [stage, seconds] : measured) {
        std::printf("cancel: %-20s %.2f s\n", stage, seconds);
        EXPECT_LT(seconds, 1) << stage;
    }
}

} // namespace sfumato
