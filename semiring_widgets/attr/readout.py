"""One number per unit: what a Captum attribution shows of a semiring's result.

A sweep can find several numbers for each unit (mass *and* entropy, weight *and* sign), in logarithms,
because the weights of all paths together exceed float32 after a few layers. A Captum attribution is one
plain number of the input's shape. Between the two stands `Semiring.plain`:

| semiring       | number per unit                                          | without any path |
|----------------|----------------------------------------------------------|------------------|
| ``sum``        | the gradient                                             | 0                |
| ``abs``        | sum of all abs(path weight)                              | 0                |
| ``max``        | weight of the path with the largest abs(weight), signed  | 0                |
| ``signed_max`` | most positive + most negative path weight                | 0                |
| ``entropy``    | entropy of p(path) ∝ abs(path weight), in nats           | 0                |
| ``count``      | log(1 + number of paths), in nats                        | 0                |
| any other      | its `Semiring.plain`, by default `Semiring.readout`      | 0                |

So everywhere abs(sum) <= abs and abs(max) <= abs. Every number is finite. It has the dtype of the input
unless a number does not fit there (the mass of a deep model); then the next wider floating-point type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core import Result
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Semiring
from semiring_widgets.errors import NonFiniteError

__all__ = ["number_per_unit", "readout_of"]

Readout = Callable[[Any], Tensor]

_WIDER = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.float32: torch.float64,
}


def readout_of(semiring: Semiring, readout: Readout | None) -> Readout:
    """The function that turns a result of `semiring`, or of its `with_sign`, into one number per unit.

    Args:
        semiring: the algebra.
        readout: the user's own function, or None for the table above.

    Raises:
        InputError: a product of semirings, which holds several numbers, without a `readout`.
    """
    if readout is not None:
        return readout
    if semiring.factors != (semiring,):
        semiring.readout(())  # raises: it has none
    return in_full_precision(lambda result: semiring.plain(result.parts))


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
