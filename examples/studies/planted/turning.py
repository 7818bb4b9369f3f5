"""The same model with its residual stream turned.

In a compiled model every variable has units of its own, and what a part does not read is exactly zero. An
edge is then found by any number that is not zero, be it 1e-40. No trained model is like that. Turned by a
random rotation, the model computes the same and has the same circuit, but zeros become rounding (1e-16), in
which a vanishing derivative is lost.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from examples.studies.planted.models import Planted

__all__ = ["turned"]


@torch.no_grad()
def turned(planted: Planted, seed: int = 0) -> Planted:
    """The model in float64, its stream turned by a random rotation.

    Args:
        planted: a model without norms, which rotations would change.
        seed: of the rotation.
    """
    model = deepcopy(planted.model).double()
    if model.shape.norm:
        raise ValueError("A LayerNorm takes the mean over units, so a model that has them cannot be turned.")
    generator = torch.Generator().manual_seed(seed)
    width = model.shape.width
    rotation, _ = torch.linalg.qr(torch.randn(width, width, generator=generator, dtype=torch.float64))
    readers: list[nn.Embedding | nn.Linear] = [model.token_embedding, model.position_embedding, model.output]
    writers: list[nn.Linear] = []
    for attention, feed_forward in model.layers:
        readers += [attention.query, attention.key, attention.value, feed_forward.into]
        writers += [attention.out, feed_forward.out]
    for part in readers:
        part.weight.copy_(part.weight @ rotation)
    for part in writers:
        part.weight.copy_(rotation.T @ part.weight)
        part.bias.copy_(part.bias @ rotation)
    return replace(planted, model=model)
