#!/usr/bin/env python3
"""drawing_reference.py MODEL.gguf OUT.png – what PyTorch makes of sfumato-draw, for tests/models/pipelines/small_pictures_test.cpp.

Euler over the trailing timesteps, noise of torch's generator: as `sfumato txt2img --width 128 --height 128 --sampler euler
--scheduler trailing` with the values below. Needs PyTorch, NumPy, Pillow, safetensors, gguf.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "models/training/text_to_image"))

import checkpoint  # noqa: E402
import clip_tokens  # noqa: E402
import dataset  # noqa: E402
import sample  # noqa: E402
from PIL import Image  # noqa: E402

PROMPT, SEED, STEPS, GUIDANCE = "a red apple, 3d icon", 7, 20, 4.0

nets, ids, _ = checkpoint.read(Path(sys.argv[1]))
noise = sample.noise(1, SEED, "cpu") * (1 - dataset.alphas("cpu")[999]).sqrt()  # Euler begins without a picture in it
rows = sample.encode([PROMPT], ids, clip_tokens.Tokenizer())
made = sample.sample(nets, rows, noise, STEPS, GUIDANCE)[0]
Image.fromarray(((made + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()).save(sys.argv[2])
