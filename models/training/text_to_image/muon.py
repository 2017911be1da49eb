"""Muon (Jordan et al. 2024): AdamW's momentum made orthogonal, for the matrices within a network; with the scale of
Liu et al. 2025 (Moonlight), so that the rate and the decay of AdamW serve both. Convolutions count as matrices
[out, in × height × width]. torch.optim.Muon takes no convolutions.
"""

import math

import torch

STEPS, COEFFICIENTS = 5, (3.4445, -4.7750, 2.0315)  # Newton–Schulz


def is_for(name, value):
    """Not for what is no matrix, and not for the first and the last layer: embeddings and what meets the latent."""
    ends = ("embedding.weight", "input_blocks.0.0.weight", ".out.2.weight")
    return value.ndim >= 2 and not name.endswith(ends)


class Muon(torch.optim.Optimizer):
    def __init__(self, weights, momentum=0.95, weight_decay=0.01):
        super().__init__(weights, {"lr": 0.0, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            alike = {}
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"]
                momentum.lerp_(weight.grad, 1 - group["momentum"])
                direction = weight.grad.lerp(momentum, group["momentum"]).flatten(1)  # Nesterov's
                alike.setdefault(direction.shape, []).append((weight, direction))
            for (rows, columns), pairs in alike.items():
                updates = orthogonal(torch.stack([direction for _, direction in pairs]))
                scale = 0.2 * math.sqrt(max(rows, columns))
                for (weight, _), update in zip(pairs, updates):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update.view(weight.shape), alpha=-group["lr"] * scale)


def orthogonal(matrices):
    """[k, rows, columns] -> about the nearest matrices whose singular values are all 1."""
    x = matrices.bfloat16()
    turned = x.shape[1] > x.shape[2]
    if turned:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if turned else x).to(matrices.dtype)
