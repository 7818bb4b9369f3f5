"""The compiled programs, read from ``programs.npz`` (made by ``examples.studies.planted.compile``)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from examples.studies.planted.models import Planted
from examples.studies.planted.transformer import Shape, Transformer

__all__ = ["program", "program_names", "program_size"]

_FILE = Path(__file__).with_name("programs.npz")


@cache
def _facts() -> dict[str, dict[str, Any]]:
    with np.load(_FILE) as kept:
        found: dict[str, dict[str, Any]] = json.loads(kept["facts"].tobytes())
    return found


def program_names() -> list[str]:
    """Those of Tracr's library first, then those that were drawn."""
    return list(_facts())


def program_size(name: str) -> int:
    """Heads and feed-forward parts of a program.

    Args:
        name: one of `program_names`.
    """
    shape = _facts()[name]["shape"]
    return int(shape["layers"] * (shape["heads"] + 1))


def program(name: str, dtype: torch.dtype = torch.float32) -> Planted:
    """A compiled program as a model.

    Args:
        name: one of `program_names`.
        dtype: of its weights; compiled are float32, which float64 holds as well.
    """
    fact = _facts()[name]
    model = Transformer(Shape(**fact["shape"]))
    with np.load(_FILE) as kept, torch.no_grad():
        for key, weight in model.state_dict().items():
            place = f"{name}/{key}"
            # What is not kept is zeros.
            weight.copy_(torch.from_numpy(kept[place])) if place in kept else weight.zero_()
    return Planted(
        name=name,
        model=model.to(dtype).requires_grad_(False),
        edges=frozenset((source, target, branch) for source, target, branch in fact["edges"]),
        vocabulary=tuple(fact["vocabulary"]),
        first=fact["first"],
        length=fact["length"],
        unique=fact["unique"],
    )
