"""The three networks of Stable Diffusion 1, in miniature: text encoder, UNet, VAE. Parameters have the names that
single-file checkpoints give them, so that a state dict is the file.

Details that are easy to get wrong: GroupNorm has 32 groups, eps 1e-5 in the UNet's residual blocks and 1e-6 before its
transformers and in the VAE; cosines come before sines; the skip comes behind the running tensor; the encoder's
downsampling pads right and below only; the text encoder is causal, its activation is quick_gelu, and the UNet sees all
77 tokens, padded with end-of-text.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class Sizes:
    channels: int = 64  # of the UNet's finest level
    multipliers: tuple = (1, 2, 3)  # a level, finest first: 16 × 16, 8 × 8, 4 × 4 for pictures of 128 × 128
    depths: tuple = (0, 1, 1)  # transformer blocks a level; the middle has one
    blocks: int = 1  # residual blocks a level
    heads: int = 8
    text: int = 192  # width of the text encoder
    text_heads: int = 3
    text_layers: int = 3
    vae: int = 32
    vae_multipliers: tuple = (1, 1, 2, 4)
    vae_blocks: int = 1

    def as_json(self):
        return asdict(self)


SIZES = {
    "full": Sizes(),
    "smoke": Sizes(channels=32, multipliers=(1, 2), depths=(0, 1), text=64, text_heads=1, text_layers=1, vae=32, vae_multipliers=(1, 1, 1, 1)),
}


class Children(nn.Module):
    """A module whose children have the given names: Children(norm1=…, conv1=…)."""

    def __init__(self, **children):
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)


def numbered(**children):
    """A module whose children have numbers for names, as in a Sequential with parts that have no parameters:
    numbered(_0=…, _2=…)."""
    return Children(**{name.removeprefix("_"): child for name, child in children.items()})


def norm(channels, eps):
    return nn.GroupNorm(32, channels, eps)


def silu_conv(group_norm, conv, x):
    return conv(functional.silu(group_norm(x)))


def attention(q, k, v, heads, causal=False):
    """q [n, queries, c], k and v [n, keys, c] -> [n, queries, c]. Written out: of so few keys the gradient of
    scaled_dot_product_attention took 40 % of a training step on a CPU."""
    q, k, v = (t.unflatten(2, (heads, -1)).transpose(1, 2).flatten(0, 1) for t in (q, k, v))
    scores = q @ k.transpose(1, 2) * q.shape[2] ** -0.5
    if causal:
        scores = scores + torch.full(scores.shape[1:], -math.inf, device=q.device, dtype=q.dtype).triu(1)
    return (scores.softmax(2) @ v).unflatten(0, (-1, heads)).transpose(1, 2).flatten(2)


# ---- Text encoder (CLIP's, in transformers' names)


class TextLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.self_attn = Children(**{f"{name}_proj": nn.Linear(width, width) for name in ("k", "v", "q", "out")})
        self.layer_norm1 = nn.LayerNorm(width)
        self.mlp = Children(fc1=nn.Linear(width, 4 * width), fc2=nn.Linear(4 * width, width))
        self.layer_norm2 = nn.LayerNorm(width)

    def forward(self, x):
        a, y = self.self_attn, self.layer_norm1(x)
        x = x + a.out_proj(attention(a.q_proj(y), a.k_proj(y), a.v_proj(y), self.heads, causal=True))
        y = self.mlp.fc1(self.layer_norm2(x))
        return x + self.mlp.fc2(y * torch.sigmoid(1.702 * y))


class TextEncoder(nn.Module):
    """Rows [n, 77] of the embedding table -> [n, 77, width]."""

    def __init__(self, sizes, rows):
        super().__init__()
        self.text_model = Children(
            embeddings=Children(
                token_embedding=nn.Embedding(rows, sizes.text), position_embedding=nn.Embedding(77, sizes.text)
            ),
            encoder=Children(layers=nn.ModuleList(TextLayer(sizes.text, sizes.text_heads) for _ in range(sizes.text_layers))),
            final_layer_norm=nn.LayerNorm(sizes.text),
        )
        for embedding in (self.text_model.embeddings.token_embedding, self.text_model.embeddings.position_embedding):
            nn.init.normal_(embedding.weight, std=0.1)

    def forward(self, rows):
        t = self.text_model
        x = t.embeddings.token_embedding(rows) + t.embeddings.position_embedding.weight[: rows.shape[1]]
        for layer in t.encoder.layers:
            x = layer(x)
        return t.final_layer_norm(x)


# ---- UNet


class ResidualBlock(nn.Module):
    def __init__(self, channels, out, time):
        super().__init__()
        self.in_layers = numbered(_0=norm(channels, 1e-5), _2=nn.Conv2d(channels, out, 3, padding=1))
        self.emb_layers = numbered(_1=nn.Linear(time, out))
        self.out_layers = numbered(_0=norm(out, 1e-5), _3=nn.Conv2d(out, out, 3, padding=1))
        if channels != out:
            self.skip_connection = nn.Conv2d(channels, out, 1)
        nn.init.zeros_(self.out_layers.get_submodule("3").weight)

    def forward(self, x, emb):
        layer = lambda group, name: self.get_submodule(f"{group}.{name}")  # noqa: E731
        h = silu_conv(layer("in_layers", "0"), layer("in_layers", "2"), x)
        h = h + layer("emb_layers", "1")(emb)[:, :, None, None]
        h = silu_conv(layer("out_layers", "0"), layer("out_layers", "3"), h)
        return h + (self.skip_connection(x) if hasattr(self, "skip_connection") else x)


class CrossAttention(nn.Module):
    def __init__(self, channels, context, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x, context):
        return self.to_out[0](attention(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))


class TransformerBlock(nn.Module):
    def __init__(self, channels, context, heads):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))
        self.attn1 = CrossAttention(channels, channels, heads)
        self.attn2 = CrossAttention(channels, context, heads)
        self.ff = Children(net=numbered(_0=Children(proj=nn.Linear(channels, 8 * channels)), _2=nn.Linear(4 * channels, channels)))

    def forward(self, x, context):
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), context)
        value, gate = self.ff.get_submodule("net.0.proj")(self.norm3(x)).chunk(2, 2)
        return x + self.ff.get_submodule("net.2")(value * functional.gelu(gate))


class Transformer(nn.Module):
    def __init__(self, channels, context, heads, depth):
        super().__init__()
        self.norm = norm(channels, 1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList(TransformerBlock(channels, context, heads) for _ in range(depth))
        self.proj_out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.proj_out.weight)

    def forward(self, x, context):
        n, c, height, width = x.shape
        h = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            h = block(h, context)
        return x + self.proj_out(h.transpose(1, 2).reshape(n, c, height, width))


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


class Downsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x):
        return self.op(x)


class Block(nn.ModuleList):
    """Parts one behind the other; each gets what it wants of the time and of the text."""

    def forward(self, x, emb, context):
        for part in self:
            if isinstance(part, ResidualBlock):
                x = part(x, emb)
            elif isinstance(part, Transformer):
                x = part(x, context)
            else:
                x = part(x)
        return x


def timestep_waves(t, width):
    """t [n] (0 … 999) -> [n, width]: cosines, then sines"""
    frequencies = torch.exp(-math.log(10000) * torch.arange(width // 2, device=t.device) / (width // 2))
    angles = t[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], 1)


class UNet(nn.Module):
    """Noisy latent [n, 4, h, w], timestep [n], context [n, 77, text] -> v [n, 4, h, w]."""

    def __init__(self, sizes):
        super().__init__()
        c, time = sizes.channels, 4 * sizes.channels
        self.channels = c
        self.time_embed = numbered(_0=nn.Linear(c, time), _2=nn.Linear(time, time))
        transformer = lambda out, depth: [Transformer(out, sizes.text, sizes.heads, depth)] if depth else []  # noqa: E731
        levels = list(zip(sizes.multipliers, sizes.depths))
        self.input_blocks = nn.ModuleList([Block([nn.Conv2d(4, c, 3, padding=1)])])
        skips, now = [c], c
        for level, (multiplier, depth) in enumerate(levels):
            out = c * multiplier
            for _ in range(sizes.blocks):
                self.input_blocks.append(Block([ResidualBlock(now, out, time), *transformer(out, depth)]))
                now = out
                skips.append(now)
            if level + 1 < len(levels):
                self.input_blocks.append(Block([Downsample(now)]))
                skips.append(now)
        self.middle_block = Block([ResidualBlock(now, now, time), *transformer(now, 1), ResidualBlock(now, now, time)])
        self.output_blocks = nn.ModuleList()
        for level, (multiplier, depth) in reversed(list(enumerate(levels))):
            out = c * multiplier
            for i in range(sizes.blocks + 1):
                parts = [ResidualBlock(now + skips.pop(), out, time), *transformer(out, depth)]
                now = out
                self.output_blocks.append(Block(parts + ([Upsample(now)] if level and i == sizes.blocks else [])))
        self.out = numbered(_0=norm(now, 1e-5), _2=nn.Conv2d(now, 4, 3, padding=1))
        nn.init.zeros_(self.out.get_submodule("2").weight)

    def forward(self, x, t, context):
        embed = lambda name: self.time_embed.get_submodule(name)  # noqa: E731
        emb = embed("2")(functional.silu(embed("0")(timestep_waves(t, self.channels).to(x.dtype))))
        emb, skips = functional.silu(emb), []
        for block in self.input_blocks:
            x = block(x, emb, context)
            skips.append(x)
        x = self.middle_block(x, emb, context)
        for block in self.output_blocks:
            x = block(torch.cat([x, skips.pop()], 1), emb, context)
        return silu_conv(self.out.get_submodule("0"), self.out.get_submodule("2"), x)


# ---- VAE (AutoencoderKL)


class VaeBlock(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        self.norm1, self.norm2 = norm(channels, 1e-6), norm(out, 1e-6)
        self.conv1, self.conv2 = nn.Conv2d(channels, out, 3, padding=1), nn.Conv2d(out, out, 3, padding=1)
        if channels != out:
            self.nin_shortcut = nn.Conv2d(channels, out, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x):
        h = silu_conv(self.norm2, self.conv2, silu_conv(self.norm1, self.conv1, x))
        return h + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class VaeAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = norm(channels, 1e-6)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))
        nn.init.zeros_(self.proj_out.weight)

    def forward(self, x):
        h = self.norm(x)
        q, k, v = (part(h).flatten(2).transpose(1, 2) for part in (self.q, self.k, self.v))
        return x + self.proj_out(attention(q, k, v, 1).transpose(1, 2).reshape(x.shape))


def vae_middle(channels):
    return Children(block_1=VaeBlock(channels, channels), attn_1=VaeAttention(channels), block_2=VaeBlock(channels, channels))


def run_middle(mid, x):
    return mid.block_2(mid.attn_1(mid.block_1(x)))


class Encoder(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        now = sizes.vae
        self.conv_in = nn.Conv2d(3, now, 3, padding=1)
        self.down = nn.ModuleList()
        for level, multiplier in enumerate(sizes.vae_multipliers):
            out = sizes.vae * multiplier
            blocks = nn.ModuleList(VaeBlock(now if i == 0 else out, out) for i in range(sizes.vae_blocks))
            now, parts = out, {"block": blocks}
            if level < 3:
                parts["downsample"] = Children(conv=nn.Conv2d(now, now, 3, stride=2))
            self.down.append(Children(**parts))
        self.mid = vae_middle(now)
        self.norm_out, self.conv_out = norm(now, 1e-6), nn.Conv2d(now, 8, 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for level in self.down:
            for block in level.block:
                x = block(x)
            if hasattr(level, "downsample"):
                x = level.downsample.conv(functional.pad(x, (0, 1, 0, 1)))
        return silu_conv(self.norm_out, self.conv_out, run_middle(self.mid, x))


class Decoder(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        now = sizes.vae * sizes.vae_multipliers[-1]
        self.conv_in = nn.Conv2d(4, now, 3, padding=1)
        self.mid = vae_middle(now)
        levels = []
        for level, multiplier in reversed(list(enumerate(sizes.vae_multipliers))):
            out = sizes.vae * multiplier
            blocks = nn.ModuleList(VaeBlock(now if i == 0 else out, out) for i in range(sizes.vae_blocks + 1))
            now, parts = out, {"block": blocks}
            if level:
                parts["upsample"] = Upsample(now)
            levels.insert(0, Children(**parts))
        self.up = nn.ModuleList(levels)
        self.norm_out, self.conv_out = norm(now, 1e-6), nn.Conv2d(now, 3, 3, padding=1)

    def forward(self, z):
        x = run_middle(self.mid, self.conv_in(z))
        for level in reversed(self.up):
            for block in level.block:
                x = block(x)
            if hasattr(level, "upsample"):
                x = level.upsample(x)
        return silu_conv(self.norm_out, self.conv_out, x)


LATENT_SCALE = 0.18215  # the UNet sees latents times this


class Vae(nn.Module):
    """Pictures [n, 3, h, w] in −1 … 1; latents [n, 4, h/8, w/8]."""

    def __init__(self, sizes):
        super().__init__()
        self.encoder, self.decoder = Encoder(sizes), Decoder(sizes)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(8, 8, 1), nn.Conv2d(4, 4, 1)

    def encode(self, pictures):
        """Mean and logarithm of the variance."""
        mean, logvar = self.quant_conv(self.encoder(pictures)).chunk(2, 1)
        return mean, logvar.clamp(-30, 20)

    def decode(self, latents):
        return self.decoder(self.post_quant_conv(latents))

    def forward(self, pictures, noise):
        mean, logvar = self.encode(pictures)
        return self.decode(mean + noise * torch.exp(0.5 * logvar)), mean, logvar

    @torch.no_grad()
    def normalise(self, mean, deviation):
        """Makes each channel of the latents have mean 0 and deviation 1 / LATENT_SCALE, by changing the two 1 × 1
        convolutions around them; mean, deviation [4]: what they have now."""
        factor = 1 / (LATENT_SCALE * deviation)
        inner, outer = self.quant_conv, self.post_quant_conv
        inner.weight[:4] *= factor[:, None, None, None]
        inner.bias[:4] = (inner.bias[:4] - mean) * factor
        inner.bias[4:] += 2 * factor.log()
        outer.bias += (outer.weight[:, :, 0, 0] * mean).sum(1)
        outer.weight /= factor[None, :, None, None]


PREFIXES = {"text": "cond_stage_model.transformer.", "unet": "model.diffusion_model.", "vae": "first_stage_model."}


def build(sizes, rows):
    """{"text", "unet", "vae"}; rows: of the text encoder's embedding table."""
    return {"text": TextEncoder(sizes, rows), "unet": UNet(sizes), "vae": Vae(sizes)}


def parameters(net):
    return sum(value.numel() for value in net.parameters())
