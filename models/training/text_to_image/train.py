"""Trains sfumato-draw: first the VAE, then text encoder and UNet together. See README.md.

    python train.py DATA RUN --minutes 600                     (a CPU; stopped and started again, it goes on)
    python train.py DATA RUN --minutes 9 --device cuda --part-size 15000000

writes RUN/sfumato-draw.safetensors (running average of the weights, fp16), RUN/known.webp, RUN/others.webp (sheets),
RUN/report.json, RUN/state.pt and RUN/latents.pt (everything, to go on; not with --part-size, which is for machines that are
given back).
"""

import argparse
import json
import math
import time
from pathlib import Path

import checkpoint
import clip_tokens
import dataset
import judge
import muon
import networks
import torch
from torch.func import functional_call

VAE_SHARE = 0.15  # of the time
VAE_CROP = 64  # side of the parts of pictures that the VAE learns from; in the last quarter of its time whole pictures
CORE_TIME = 0.75  # of the UNet's time: nothing but some sets and kinds (dataset.py); afterwards half of the samples
NO_CAPTION = 0.1  # of the samples
NOISE = (-0.1, 1.1)  # mean and deviation of ln σ of what is learnt from: of latents as small as these, shapes are decided near 1


def main():
    options = parse()
    options.run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    training = Training(options)
    training.say(f"{len(training.pictures.table)} pictures, {len(training.ids)} tokens, {training.parameters()} parameters")
    training.resume()
    if training.phase == "vae":
        training.learn_vae()
    training.prepare_latents()
    training.learn_denoising()
    training.finish()


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with pictures.bin and pictures.json")
    parser.add_argument("run", type=Path, help="folder for all that is written")
    parser.add_argument("--minutes", type=float, default=600, help="of the whole, loading and sheets included")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sizes", choices=networks.SIZES, default="full")
    parser.add_argument("--batch", type=int, default=0, help="default: 1024 on a GPU, else 64")
    parser.add_argument("--vae-batch", type=int, default=0, help="default: 64 on a GPU, else 16; a quarter of it once whole pictures are learnt")
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--vae-rate", type=float, default=6e-4)
    parser.add_argument("--bfloat16", action="store_true", help="compute in it on a CPU too; one with AVX-512 BF16 or AMX is faster so")
    parser.add_argument("--compile", action="store_true", help="needs a C++ compiler; takes minutes once, then the VAE learns three times as fast")
    parser.add_argument("--start", type=Path, help="a checkpoint to begin with; its VAE stays as it is")
    parser.add_argument("--variants", type=int, default=dataset.Latents.VARIANTS, help="of each picture: other places, backgrounds, colours; the first four are on white")
    parser.add_argument("--pictures", type=int, help="at most about so many, to try things")
    parser.add_argument("--steps", type=int, help="of each phase at most, to try things")
    parser.add_argument("--save-minutes", type=float, default=60)
    parser.add_argument("--part-size", type=int, help="write the checkpoint in parts of so many bytes, and no state")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    gpu = options.device != "cpu"
    options.bfloat16 |= gpu
    options.batch = options.batch or (1024 if gpu else 64)
    options.vae_batch = options.vae_batch or (64 if gpu else 16)
    return options


class Learner:
    """Networks that learn together: float32 weights, a running average of them, Muon for the matrices and AdamW for all
    else, the forward pass in another type."""

    def __init__(self, nets, dtype, device, decay, compiled=False):
        self.nets, self.dtype, self.decay = nets, dtype, decay
        for net in nets.values():
            net.to(device=device, memory_format=torch.channels_last)
        named = [(f"{part}.{name}", value) for part, net in nets.items() for name, value in net.named_parameters()]
        self.weights = [value for _, value in named]
        self.average = [value.detach().clone() for value in self.weights]
        matrices = [value for name, value in named if muon.is_for(name, value)]
        others = [value for name, value in named if not muon.is_for(name, value)]
        self.optimizers = [muon.Muon(matrices), torch.optim.AdamW(others, betas=(0.9, 0.99), weight_decay=0.01, fused=True)]
        self.calls = {name: self.caller(net, compiled) for name, net in nets.items()}
        self.step, self.good = 0, None

    @staticmethod
    def caller(net, compiled):
        def call(weights, inputs):
            return functional_call(net, weights, inputs)

        return torch.compile(call, dynamic=False) if compiled else call

    def forward(self, name, *inputs):
        cast = {key: value.to(self.dtype) for key, value in self.nets[name].named_parameters()}
        inputs = [x.to(self.dtype) if x.is_floating_point() and x.ndim > 1 else x for x in inputs]
        return self.calls[name](cast, tuple(inputs))

    def learn(self, loss, rate):
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        self.step += 1
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, self.weights, 1 - decay)

    @torch.no_grad()
    def check(self, loss):
        """Goes back to the weights of the last check where the loss is no number any more."""
        if math.isfinite(loss):
            self.good = [value.detach().clone() for value in self.weights]
        elif self.good:
            torch._foreach_copy_(self.weights, self.good)
            torch._foreach_copy_(self.average, self.good)
            for optimizer in self.optimizers:
                optimizer.state.clear()

    @torch.no_grad()
    def exchange(self):
        """Exchanges weights and averages; called again, it takes that back."""
        for value, average in zip(self.weights, self.average):
            kept = value.detach().clone()
            value.copy_(average)
            average.copy_(kept)

    def state(self):
        nets = {name: net.state_dict() for name, net in self.nets.items()}
        return {"nets": nets, "average": self.average, "optimizers": [o.state_dict() for o in self.optimizers], "step": self.step}

    def load(self, state):
        for name, net in self.nets.items():
            net.load_state_dict(state["nets"][name])
        torch._foreach_copy_(self.average, [value.to(self.average[0].device) for value in state["average"]])
        for optimizer, kept in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(kept)
        self.step = state["step"]


class Training:
    def __init__(self, options):
        self.options, self.device = options, options.device
        self.before, self.log = 0.0, []
        self.begun = self.clock()
        self.generator = torch.Generator(self.device).manual_seed(options.seed)
        self.pictures = dataset.Pictures(options.data, self.device, options.pictures)
        self.say("pictures loaded")
        self.tokenizer = clip_tokens.Tokenizer()
        self.captions = dataset.Captions(self.pictures, self.tokenizer)
        self.ids, self.sizes = self.captions.ids, networks.SIZES[options.sizes]
        self.phase, self.vae_is_normal, self.denoising_since, self.goes_on = "vae", False, None, False
        nets = networks.build(self.sizes, len(self.ids))
        if options.start:
            self.take_over(nets)
        dtype = torch.bfloat16 if options.bfloat16 else torch.float32
        self.vae = Learner({"vae": nets["vae"]}, dtype, self.device, 0.995, options.compile)
        self.denoising = Learner({"text": nets["text"], "unet": nets["unet"]}, dtype, self.device, 0.999, options.compile)
        self.nets, self.saved = nets, self.clock()

    # ---- Time

    def clock(self):
        """Seconds. On a CPU those that its cores computed, so that neither a stop nor other work ends the training early."""
        return time.monotonic() if self.device != "cpu" else time.process_time() / torch.get_num_threads()

    def seconds(self):
        return self.before + self.clock() - self.begun

    def progress(self, start, end):
        """0 … 1 of the part of the whole time between two shares of it."""
        whole = self.options.minutes * 60
        return (self.seconds() - start * whole) / ((end - start) * whole)

    def say(self, text):
        line = f"{self.seconds():8.1f} s  {text}"
        self.log.append(line)
        print(line, flush=True)

    def rate(self, peak, progress, step):
        warm = min(1.0, (step + 1) / 200)
        return peak * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress)))))

    def run(self, learner, loss_of, peak, start, end, name):
        """Steps until the share `end` of the time is over."""
        losses, counted, since = [], 0, self.seconds()
        while (progress := self.progress(start, end)) < 1 and (not self.options.steps or learner.step < self.options.steps):
            loss, samples = loss_of(progress)
            learner.learn(loss, self.rate(peak, progress, learner.step))
            losses.append(loss.detach())
            counted += samples
            if learner.step % 50 == 0 or learner.step <= 3:
                mean = torch.stack(losses).mean().item()
                learner.check(mean)
                if learner.step % 200 == 0 or learner.step <= 3:
                    speed = counted / (self.seconds() - since)
                    self.say(f"{name} step {learner.step} loss {mean:.5f} {speed:.0f} samples/s")
                losses = []
            if self.clock() - self.saved > self.options.save_minutes * 60:
                self.save(sheets=name == "denoising")
        self.say(f"{name}: {learner.step} steps, {counted} samples in {self.seconds() - since:.0f} s")

    # ---- VAE

    def learn_vae(self):
        end = VAE_SHARE
        self.run(self.vae, self.vae_loss, self.options.vae_rate, 0, end, "vae")
        self.vae.exchange()
        self.phase = "denoising"

    def vae_loss(self, progress):
        n = self.options.vae_batch
        pictures = self.pictures.vae_batch(n, self.generator)
        if progress < 0.75:
            pictures = dataset.cropped(pictures, VAE_CROP, self.generator)
        else:
            n = n // 4
            pictures = pictures[:n]
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        side = pictures.shape[-1] // 8
        noise = torch.randn(n, 4, side, side, device=self.device, generator=self.generator)
        decoded, mean, logvar = self.vae.forward("vae", pictures, noise)
        error = decoded.float() - pictures
        edges = sum((error - error.roll(1, axis)).abs().mean() for axis in (2, 3))
        mean, logvar = mean.float(), logvar.float()
        divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        return error.abs().mean() + 0.5 * edges + 0.5 * error.square().mean() + 3e-4 * divergence, n

    @torch.no_grad()
    def normalise_vae(self):
        index = self.pictures.draw(min(1024, len(self.pictures.table)), self.generator)
        means = [self.nets["vae"].encode(self.pictures.on_white(rows))[0] for rows in index.split(64)]
        means = torch.cat(means)
        self.nets["vae"].normalise(means.mean((0, 2, 3)), means.std((0, 2, 3)))

    def prepare_latents(self):
        kept = self.options.run / "latents.pt"
        if self.goes_on and self.vae_is_normal and kept.exists():  # else they may be of another VAE, or of other pictures
            self.latents = torch.load(kept, map_location=self.device, weights_only=False)
            return
        vae = self.nets["vae"]
        if not self.vae_is_normal:
            self.normalise_vae()
            self.vae_is_normal = True
        figure, _ = judge.vae_psnr(vae, self.pictures)
        self.say(f"vae: {figure:.2f} dB on held-out pictures")
        half = torch.autocast(self.device, torch.bfloat16, enabled=self.options.bfloat16)
        means = torch.compile(vae.encode) if self.options.compile else vae.encode

        def encode(pictures):
            with half:
                return means(pictures.contiguous(memory_format=torch.channels_last))[0] * networks.LATENT_SCALE

        generator = torch.Generator(self.device).manual_seed(self.options.seed)
        self.latents = dataset.Latents(self.pictures, self.captions, encode, generator, variants=self.options.variants)
        if not self.options.part_size:
            torch.save(self.latents, kept)
        self.say(f"{len(self.latents.values)} latents, deviation {self.latents.values.float().std().item():.3f}")

    # ---- Text encoder and UNet

    def learn_denoising(self):
        self.alphas = dataset.alphas(self.device)
        self.sigmas = ((1 - self.alphas) / self.alphas).sqrt()
        self.denoising_since = self.denoising_since or min(0.9, self.seconds() / 60 / self.options.minutes)
        # What comes after: two sheets and writing. A GPU needs about half a minute, a CPU a few per cent of hours.
        end = 1 - max(0.02, min(0.3, 40 / (60 * self.options.minutes)))
        self.run(self.denoising, self.denoising_loss, self.options.rate, self.denoising_since, end, "denoising")

    def denoising_loss(self, progress):
        n = self.options.batch
        latents, picture, colour, background = self.latents.draw(n, self.generator, 1.0 if progress < CORE_TIME else 0.5)
        rows = self.captions.draw(picture, colour, background, self.generator)
        random = torch.rand(n, 1, device=self.device, generator=self.generator)
        rows[:, 1:] = torch.where(random < NO_CAPTION, 2, rows[:, 1:])
        lost = torch.rand(rows.shape, device=self.device, generator=self.generator) < 0.01
        rows = torch.where(lost & (rows > 2), 0, rows)  # what an unknown word stands for
        wanted = torch.exp(NOISE[0] + NOISE[1] * torch.randn(n, device=self.device, generator=self.generator))
        t = torch.searchsorted(self.sigmas, wanted).clamp(max=999)
        noise = torch.randn(latents.shape, device=self.device, generator=self.generator)
        a = self.alphas[t][:, None, None, None]
        noisy = (a.sqrt() * latents + (1 - a).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        target = a.sqrt() * noise - (1 - a).sqrt() * latents
        context = self.denoising.forward("text", rows)
        v = self.denoising.forward("unet", noisy, t, context).float()
        return (v - target).square().mean(), n

    # ---- Files

    def parameters(self):
        return {name: networks.parameters(net) for name, net in self.nets.items()}

    def take_over(self, nets):
        other, ids, sizes = checkpoint.read(self.options.start)
        row_of = {token: row for row, token in enumerate(ids)}
        table = other["text"].text_model.embeddings.token_embedding
        rows = torch.tensor([row_of.get(token, 0) for token in self.ids])
        table.weight = torch.nn.Parameter(table.weight.detach()[rows])
        nets.update(other)
        self.sizes = sizes
        self.phase, self.vae_is_normal = "denoising", True

    def resume(self):
        path = self.options.run / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device)
        self.vae.load(state["vae"])
        self.denoising.load(state["denoising"])
        self.phase, self.before, self.log = state["phase"], state["seconds"], state["log"]
        self.vae_is_normal, self.denoising_since = state["vae_is_normal"], state["denoising_since"]
        self.begun, self.goes_on = self.clock(), True
        self.say("goes on")

    def save(self, sheets=True, everything=False):
        self.saved, run = self.clock(), self.options.run
        learner = self.denoising if self.phase == "denoising" else self.vae
        learner.exchange()
        tensors = checkpoint.tensors_of({name: net.state_dict() for name, net in self.nets.items()}, self.ids)
        facts = checkpoint.metadata(self.sizes, {"steps": self.denoising.step, "seconds": round(self.seconds())})
        checkpoint.write(run / "sfumato-draw.safetensors", tensors, facts, self.options.part_size)
        self.say("checkpoint written")
        report = {"log": self.log}
        if sheets:
            steps = 4 if self.options.steps else 40
            report |= judge.judge(self.nets, self.pictures, self.ids, self.tokenizer, run, 1, steps, everything)
            self.say(f"sheets drawn {({key: report[key] for key in report if key != 'log'})}")
        (run / "report.json").write_text(json.dumps(report, indent=1))
        learner.exchange()
        if not self.options.part_size:
            state = {"vae": self.vae.state(), "denoising": self.denoising.state(), "phase": self.phase, "seconds": self.seconds(),
                     "log": self.log, "vae_is_normal": self.vae_is_normal, "denoising_since": self.denoising_since}  # fmt: skip
            torch.save(state, run / "state.new")
            (run / "state.new").replace(run / "state.pt")

    def finish(self):
        self.save(sheets=True, everything=True)


if __name__ == "__main__":
    main()
