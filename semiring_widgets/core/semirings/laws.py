"""Whether a class really is a semiring: the form of its values, and the laws.

A sweep joins paths in an order of its own, and what it gives is the sum over all paths only because the laws
allow that. A class that breaks one gives numbers that mean nothing, without any error.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import seed_number, shown, whole_number
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings.base import Semiring, Value
from semiring_widgets.core.semirings.edge_weight import Weight
from semiring_widgets.errors import InputError

__all__ = ["check_form", "check_laws"]


def check_form(semiring: Semiring) -> None:
    """Refuse a semiring whose values have not the form that a sweep relies on.

    Raises:
        InputError: `zero` or `one` is missing, or the three have not the same number of parts, or `lift`
            changes shape or dtype.
    """
    if not isinstance(semiring, Semiring):
        raise InputError(
            f"semiring is {shown(semiring)}; give an object of a class derived from sw.Semiring."
        )
    name = type(semiring).__name__
    parts = {key: getattr(semiring, key, None) for key in ("zero", "one")}
    for key, part in parts.items():
        if not isinstance(part, tuple):
            raise InputError(f"{name}.{key} is {part!r}; give a tuple with one number per part of a value.")
    weight = torch.tensor([2.0, -0.5])
    value = semiring.lift(weight)
    if not isinstance(value, tuple):
        raise InputError(f"{name}.lift gives {type(value).__name__}; give a tuple of tensors.")
    counts = {"lift": len(value), **{key: len(part) for key, part in parts.items() if part is not None}}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{key} has {count}" for key, count in counts.items())
        raise InputError(f"The values of {name} have no fixed number of parts: {said}; give all the same.")
    for part in value:
        if part.shape != weight.shape or part.dtype != weight.dtype:
            raise InputError(
                f"{name}.lift gives {part.dtype} of shape {list(part.shape)} for {weight.dtype} of shape "
                f"{list(weight.shape)}; give the same shape and dtype, for example by .to(weight.dtype)."
            )


@in_full_precision
def check_laws(semiring: Semiring, trials: int = 200, seed: int = 0) -> None:
    """Try the laws of a commutative semiring on random values; silent where they hold.

    Values are those of small random sets of paths, zero weights among them, in float64, and count as equal
    where their `facts` agree to nine digits. Of a class that defines them, the fast methods (`scale`, `sum`,
    `contract`, `scatter`) are compared with the definitions they replace.

    Args:
        semiring: what is to be checked.
        trials: how many random values.
        seed: of the random numbers.

    Raises:
        InputError: names the first law that does not hold and shows the numbers; or values have not the form
            they should.

    Example::

        sw.semirings.check_laws(Bottleneck())
    """
    trials, seed = whole_number(trials, "trials"), seed_number(seed)
    check_form(semiring)
    noise = torch.Generator().manual_seed(seed)

    def weights(*shape: int) -> Tensor:
        drawn = torch.randn(*shape, generator=noise, dtype=torch.float64)
        return drawn * (torch.rand(shape, generator=noise) > 0.2)

    def paths(*shape: int) -> Value:
        one, two, three = (Semiring.scale(semiring, ones(*shape), Weight(weights(*shape))) for _ in range(3))
        return semiring.mark(semiring.plus(semiring.times(one, two), three))

    def ones(*shape: int) -> Value:
        return semiring.full(semiring.one, shape, torch.zeros((), dtype=torch.float64))

    a, b, c = (paths(trials) for _ in range(3))
    one, zero = ones(trials), semiring.full(semiring.zero, (trials,), a[0])
    plus, times = semiring.plus, semiring.times
    laws: dict[str, tuple[Value, Value]] = {
        "a + b = b + a": (plus(a, b), plus(b, a)),
        "(a + b) + c = a + (b + c)": (plus(plus(a, b), c), plus(a, plus(b, c))),
        "a * b = b * a": (times(a, b), times(b, a)),
        "(a * b) * c = a * (b * c)": (times(times(a, b), c), times(a, times(b, c))),
        "(a + b) * c = a * c + b * c": (times(plus(a, b), c), plus(times(a, c), times(b, c))),
        "a + zero = a": (plus(a, zero), a),
        "a * one = a": (times(a, one), a),
        "a * zero = zero": (times(a, zero), zero),
    }
    for part in (*a, *times(a, b), *plus(a, b)):
        if bool(part.isnan().any()):
            raise InputError(f"{type(semiring).__name__} is no semiring: lift, times or plus gives NaN.")
    for law, (left, right) in laws.items():
        _compare(semiring, f"{law} (+ is plus, * is times)", left, right)
    matrix, row, edges = paths(3, 4), Weight(weights(3, 4)), Weight(weights(4, 5))
    flat = tuple(part.reshape(-1) for part in matrix)
    places = torch.randint(6, (12,), generator=noise)
    arguments: dict[str, tuple[Any, ...]] = {
        "scale": (matrix, row),
        "sum": (matrix, (0, 1)),
        "contract": (matrix, edges),
        "scatter": (flat, places, 6),
    }
    for method, given in arguments.items():
        meant = getattr(Semiring, method)
        if getattr(type(semiring), method) is not meant:
            said = f"{method} gives what plus and times define"
            _compare(semiring, said, getattr(semiring, method)(*given), meant(semiring, *given))


def _compare(semiring: Semiring, law: str, left: Value, right: Value) -> None:
    for (name, one), other in zip(semiring.facts(left).items(), semiring.facts(right).values(), strict=True):
        one, other = one.double(), other.double()
        wrong = ~torch.isclose(one, other, rtol=1e-9, atol=1e-9)
        if bool(wrong.any()):
            place = tuple(int(index) for index in wrong.nonzero()[0])
            raise InputError(
                f"{type(semiring).__name__} is no semiring: the law '{law}' does not hold. {name} is "
                f"{float(one[place]):.9g} on the left and {float(other[place]):.9g} on the right."
            )
