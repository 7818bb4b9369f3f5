"""One number per unit: what a Captum attribution shows of a semiring's result.

A sweep can find several numbers for each unit (mass *and* entropy, weight *and* sign), in logarithms,
because the weights of all paths together exceed float32 after a few layers. A Captum attribution is one
plain number of the input's shape. This is the table between the two:

| semiring       | number per unit                                          | without any path |
|----------------|----------------------------------------------------------|------------------|
| ``sum``        | the gradient                                             | 0                |
| ``abs``        | sum of all abs(path weight)                              | 0                |
| ``max``        | weight of the path with the largest abs(weight), signed  | 0                |
| ``signed_max`` | most positive + most negative path weight                | 0                |
| ``entropy``    | entropy of p(path) ∝ abs(path weight), in nats           | 0                |
| ``count``      | log(1 + number of paths), in nats                        | 0                |
| any other      | its `Semiring.readout`                                   | 0                |

So everywhere abs(sum) <= abs and abs(max) <= abs. Every number is finite. It has the dtype of the input
unless a number does not fit there (the mass of a deep model); then the next wider floating-point type.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core import Result
from semiring_widgets.core.semirings import (
    Abs,
    Boolean,
    BranchMax,
    Count,
    Entropy,
    Hops,
    KBest,
    Max,
    Product,
    Semiring,
    SignedMax,
    Sum,
    Variance,
)
from semiring_widgets.errors import NonFiniteError

__all__ = ["has_sign_of", "number_per_unit", "readout_of"]

Readout = Callable[[Any], Tensor]

_WIDER = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.float32: torch.float64,
}


def _exp(log: Tensor) -> Tensor:
    """exp, in float64 where float32 would overflow (so only where it has to be: some devices lack it)."""
    log = log.to(torch.promote_types(log.dtype, torch.float32))
    if log.numel() and float(log.max()) > math.log(torch.finfo(log.dtype).max):
        log = log.double()
    return log.exp()


def _mass(result: Any) -> Tensor:
    return _exp(result.log_mass)


def _best_weight(result: Any) -> Tensor:
    weight = _exp(result.log_weight)
    sign: Tensor = result.sign
    return weight * sign.to(weight.dtype)


def _log1p_count(result: Any) -> Tensor:
    count: Tensor = result.count
    return torch.logaddexp(count, torch.zeros_like(count))


_PLAIN: dict[type[Semiring], Readout] = {
    Sum: lambda result: result.value,
    Abs: _mass,
    Max: _best_weight,
    SignedMax: lambda result: result.most_positive + result.most_negative,
    BranchMax: lambda result: (
        _best_weight(result) if "sign" in result.facts else result.most_positive + result.most_negative
    ),
    Count: _log1p_count,
}


def readout_of(semiring: Semiring, readout: Readout | None) -> Readout:
    """The function that turns a result of `semiring` into one number per unit.

    Args:
        semiring: the algebra.
        readout: the user's own function, or None for the table above.

    Raises:
        InputError: a product of semirings, which holds several numbers, without a `readout`.
    """
    if readout is not None:
        return readout
    if isinstance(semiring, Product):
        semiring.readout(())  # raises: it has none
    return _PLAIN.get(type(semiring), lambda result: semiring.readout(result.parts))


def has_sign_of(semiring: Semiring) -> bool:
    """Whether its number can be negative in a meaningful way; of a user's semiring nobody knows: True."""
    return not isinstance(semiring, (Abs, Entropy, Boolean, Variance, KBest, Hops))  # Count is an Abs


def number_per_unit(readout: Readout, result: Result, like: Tensor) -> Tensor:
    """Apply a readout; return finite numbers in the dtype of `like`, or a wider one where they need it.

    Args:
        readout: from `readout_of`.
        result: what `sw.backprop` returned, possibly reduced.
        like: the tensor attributed, for the dtype.

    Returns:
        Tensor of the result's shape.

    Raises:
        NonFiniteError: a number is NaN, or too large even for float64.
    """
    values = readout(result).detach()
    if not values.is_floating_point():
        values = values.to(like.dtype)
    if not bool(torch.isfinite(values).all()):
        values = values.masked_fill(~torch.isfinite(values) & result.semiring.absent(result.parts), 0.0)
    if not bool(torch.isfinite(values).all()):
        raise NonFiniteError(
            f"The attribution by semiring {result.semiring.name} holds numbers that are NaN or too large for "
            f"{values.dtype}. If the model's own numbers are finite, ask for logarithms instead: "
            f"readout=lambda result: result.log_mass (or .log_weight)."
        )
    dtype = like.dtype
    while True:
        cast = values.to(dtype)
        if dtype not in _WIDER or bool(torch.isfinite(cast).all()):
            return cast
        dtype = _WIDER[dtype]
