"""What a sweep found, by name: the facts of a semiring value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch
from torch import Tensor

from semiring_widgets.checks import shown, whole_number
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.errors import InputError, NonFiniteError

__all__ = ["Result", "Signs", "signs_of", "with_parts"]

Signs = Callable[[Semiring], "Result"]


class Result:
    """What a sweep found, for every element of one input.

    Which facts there are depends on the semiring, whose class describes them; all are attributes (``dir``
    lists them), those of a semiring of your own too. Asking for another one raises `AttributeError` with a
    sentence. Logarithms are natural. Shapes are those of the input, less the dimensions reduced. A complex
    input is two inputs, its real and its imaginary part, in a last dimension of size 2; only `value` joins
    them, unless something was reduced: d/d re + i d/d im.

    Attributes:
        semiring: the algebra that was used.
        granularity: which graph was counted.
        level: of a maximum, ``"unit"`` or ``"branch"``.
        rules: which number an edge carried: the name of the rule.
        parts: the raw semiring value, a tuple of tensors.

    Example:
        >>> import torch, semiring_widgets as sw
        >>> x = torch.tensor([1.0, 2.0])
        >>> with sw.record() as tape:
        ...     score = (3 * x - x * x).sum()
        >>> result = sw.backprop(tape, score, x, "entropy")
        >>> result
        Result(entropy, shape [2], granularity primitive, level unit)
        >>> result.log_mass.exp()  # 3 + 2 x
        tensor([5.0000, 7.0000])
    """

    def __init__(
        self,
        semiring: Semiring,
        parts: Value,
        granularity: str,
        level: str,
        dtype: torch.dtype,
        signs: Signs | None = None,
        rules: str = "gradient",
    ) -> None:
        self.semiring, self.parts = semiring, parts
        self.granularity, self.level, self.rules = granularity, level, rules
        self._dtype, self._signs = dtype, signs

    @property
    @in_full_precision
    def facts(self) -> Mapping[str, Tensor]:
        """Everything the semiring says, by name."""
        return self.semiring.facts(self.parts)

    @property
    def factors(self) -> tuple[Result, ...]:
        """One result per factor of a `Product`; of any other semiring only itself."""
        return tuple(
            Result(factor, part, self.granularity, self.level, self._dtype, self._signs, self.rules)
            for factor, part in self.semiring.factored(self.parts)
        )

    @property
    def value(self) -> Tensor:
        """``sum``: the gradient, in the input's dtype; infinite where autograd's is."""
        fact = self._fact("value")
        if self._dtype.is_complex:
            fact = torch.view_as_complex(fact.contiguous())
        return fact.to(self._dtype)

    @property
    def log_mass(self) -> Tensor:
        """``abs``, ``entropy``: log of the sum of |path weight|; -inf where there is no path."""
        return self._fact("log_mass")

    @property
    def entropy(self) -> Tensor:
        """``entropy``: entropy in nats of p(path) ~ |weight|; 0 where there is no path."""
        return self._fact("entropy")

    @property
    def log_weight(self) -> Tensor:
        """``max``: log |weight| of the best path; -inf where there is no path."""
        return self._fact("log_weight")

    @property
    @in_full_precision
    def sign(self) -> Tensor:
        """``max``: sign of the best path, -1, 0 (no path) or 1. Takes one more sweep when first used."""
        told = self.semiring.with_sign
        return self._fact("sign") if told is None or self._signs is None else self._signs(told)._fact("sign")

    @property
    def most_positive(self) -> Tensor:
        """``signed_max``: weight of the most positive path, 0 where there is none.

        In float64 where float32 has no such number.

        Raises:
            NonFiniteError: float64 has none either; read ``log_most_positive``.
        """
        return self._plain("most_positive")

    @property
    def most_negative(self) -> Tensor:
        """``signed_max``: weight of the most negative path, 0 where there is none; as `most_positive`."""
        return self._plain("most_negative")

    @property
    def count(self) -> Tensor:
        """``count``: log of the number of paths of non-zero weight; -inf where there is none."""
        return self._fact("count")

    @in_full_precision
    def reduce(self, dims: int | Sequence[int] | None = None) -> Result:
        """Semiring sum over dimensions: all paths from any of their elements together.

        Args:
            dims: one or several dimensions, negative ones from the end, None for all; they are dropped.

        Raises:
            InputError: there is no such dimension.

        Example:
            >>> import torch, semiring_widgets as sw
            >>> x = torch.tensor([1.0, 2.0])
            >>> with sw.record() as tape:
            ...     score = (3 * x - x * x).sum()
            >>> sw.backprop(tape, score, x, "abs").reduce().log_mass.exp()
            tensor(12.)
        """
        rank = self.parts[0].dim()
        given = list(range(rank)) if dims is None else dims
        listed_dims = list(given) if isinstance(given, (list, tuple, range)) else [given]
        chosen = [whole_number(dim, "dims", least=-(2**63), most=None) for dim in listed_dims]
        for dim in chosen:
            if not -rank <= dim < rank:
                raise InputError(
                    f"dims is {shown(dims)}; the result has shape {list(self.parts[0].shape)}, so give "
                    f"dimensions from {-rank} to {rank - 1}, or None for all."
                    if rank
                    else f"dims is {shown(dims)}; the result has no dimension left to reduce."
                )
        chosen = sorted({d % rank for d in chosen})
        summed = self.semiring.sum(self.parts, chosen)
        parts = tuple(part.squeeze(chosen) for part in summed)
        signs = self._signs
        later = None if signs is None else (lambda semiring: signs(semiring).reduce(chosen))
        # What is left of a complex input are sums over real scalars.
        dtype = self._dtype.to_real()
        return Result(self.semiring, parts, self.granularity, self.level, dtype, later, self.rules)

    def __getattr__(self, name: str) -> Tensor:
        # Reached for the facts of users' semirings, and when a property has none to give.
        if name.startswith("_") or name in ("semiring", "parts"):
            raise AttributeError(f"Result has no attribute {name!r}.")
        return self._fact(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.facts})

    def _plain(self, name: str) -> Tensor:
        fact = self._fact(name)
        if self.level == "unit" and bool(fact.isinf().any()):
            raise NonFiniteError(
                f"{name} holds path weights too large for float64; read .log_{name}, their logarithms."
            )
        return fact

    def _fact(self, name: str) -> Tensor:
        facts = self.facts
        if name not in facts:
            offered = ", ".join(facts) or "none by name; read .parts"
            raise AttributeError(
                f"The {self.semiring.name} semiring does not give {name!r}. It gives: {offered}."
            )
        return facts[name]

    def __repr__(self) -> str:
        counted = f"granularity {self.granularity}, level {self.level}"
        rules = "" if self.rules == "gradient" else f", rules {self.rules}"
        return f"Result({self.semiring.name}, shape {list(self.parts[0].shape)}, {counted}{rules})"


def with_parts(result: Result, parts: Value, signs: Signs | None) -> Result:
    """A result that says the same of other paths.

    Args:
        result: whose semiring, granularity and so on it has.
        parts: its raw value.
        signs: gives its signs, as those of `signs_of` do; None where nobody will ask.
    """
    level, rules = result.level, result.rules
    return Result(result.semiring, parts, result.granularity, level, result._dtype, signs, rules)


def signs_of(algebra: Semiring, ask: Callable[[Semiring], list[Result]]) -> Callable[[int], Signs | None]:
    """What gives the signs of best paths once they are asked for, by position of the result.

    Args:
        algebra: of the results; None is given where it needs no other one to know signs.
        ask: the same question in another semiring, `Semiring.with_sign`; asked at most once in each.
    """
    if algebra.with_sign is None:
        return lambda position: None
    asked = cache(ask)
    return lambda position: lambda told: asked(told)[position]
