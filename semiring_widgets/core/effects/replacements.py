"""What is put in the place of a part: numbers that a caller gives, or those of a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import choice, real_number, shown
from semiring_widgets.core.effects.cut_points import Place
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import InputError

__all__ = ["WORDS", "Told", "value_for"]

WORDS = ("zero", "mean", "reference", "resample")
# What nodes are under other inputs, by word.
Told = Mapping[str, Mapping[Node, Tensor]]


def value_for(place: Place, given: Any, told: Told) -> Tensor:
    """What is put in the place of a part, shaped as its node.

    Args:
        place: of the part.
        given: a tensor, a number or one of `WORDS`.
        told: what nodes are under ``"reference"`` and ``"resample"``, where these were given.

    Raises:
        InputError: it does not fit.
    """
    node = place.node
    if isinstance(given, Tensor):
        return _fitted(place, given)
    if not isinstance(given, str):
        wanted = "a tensor, a number, 'zero', 'mean', 'reference' or 'resample'"
        number = real_number(given, "A replacement", wanted=wanted)
        return torch.full_like(node.value, number)
    word = choice(given, "A replacement", WORDS)
    if word == "zero":
        return torch.zeros_like(node.value)
    if word == "mean":
        dims = place.token_dims
        return node.value.mean(dims, keepdim=True).expand(node.shape) if dims else node.value
    if word not in told:
        what = "the reference" if word == "reference" else "another text"
        raise InputError(f"A part is to be given its value under {what}, and there is none; give {word}=.")
    return told[word][node]


def _fitted(place: Place, given: Tensor) -> Tensor:
    node = place.node
    value = given.detach().to(dtype=_dtype(given, node), device=node.device)
    if node.complex and value.is_complex():
        value = torch.view_as_real(value.resolve_conj())
    value = value.to(node.dtype)
    if not bool(value.isfinite().all()) and bool(node.value.isfinite().all()):
        raise InputError("A replacement holds NaN or infinity; give finite numbers.")
    shape = _shape(place)
    if value.shape != node.shape and shape is not None:
        try:
            part = value.expand(shape)
        except RuntimeError:
            pass
        else:
            whole = node.value.clone()
            whole[place.mask()] = part.reshape(-1)
            return whole
    try:
        return value.expand(node.shape)
    except RuntimeError as error:
        also = ""
        if list(shape or ()) != list(node.shape):
            also = f", or that of the whole tensor, {list(node.shape)}"
        raise InputError(
            f"A replacement is {shown(given)}; give the shape {list(node.shape if shape is None else shape)} "
            f"of what it replaces{also}, or what broadcasts to it."
        ) from error


def _dtype(given: Tensor, node: Node) -> torch.dtype:
    return given.dtype if given.is_complex() else node.dtype


def _shape(place: Place) -> tuple[int, ...] | None:
    """Shape of a part alone, where it is some rows of every dimension; else None."""
    mask = place.mask()
    dims = range(mask.dim())
    lines = [mask.any([other for other in dims if other != d]) if mask.dim() > 1 else mask for d in dims]
    block = torch.ones((), dtype=torch.bool, device=mask.device)
    for line in lines:
        block = block.unsqueeze(-1) & line
    return tuple(int(line.sum()) for line in lines) if torch.equal(block.expand_as(mask), mask) else None
