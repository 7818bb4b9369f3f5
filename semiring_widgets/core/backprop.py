"""`backprop`: one backward sweep in a semiring, and what its result says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import overload

import torch
from torch import Tensor

from semiring_widgets.checks import shown, whole_number
from semiring_widgets.core.graph import GradientGraph, check_uncut, find_nodes, listed
from semiring_widgets.core.memory import check_sweep
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.semirings import Semiring, Value, find_semiring
from semiring_widgets.core.sweeps import INPUTS_ONLY, sweep_backward, zeros
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError, NonFiniteError

__all__ = ["Result", "backprop", "signs_of"]

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
    ) -> None:
        self.semiring, self.parts = semiring, parts
        self.granularity, self.level = granularity, level
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
            Result(factor, part, self.granularity, self.level, self._dtype, self._signs)
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
        return Result(self.semiring, parts, self.granularity, self.level, self._dtype.to_real(), later)

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
        shape = list(self.parts[0].shape)
        return (
            f"Result({self.semiring.name}, shape {shape}, granularity {self.granularity}, level {self.level})"
        )


@overload
def backprop(
    tape: Tape,
    score: Tensor,
    wrt: Tensor,
    semiring: str | Semiring = ...,
    level: str = ...,
    *,
    max_memory: int | None = ...,
) -> Result: ...
@overload
def backprop(
    tape: Tape,
    score: Tensor,
    wrt: Sequence[Tensor],
    semiring: str | Semiring = ...,
    level: str = ...,
    *,
    max_memory: int | None = ...,
) -> list[Result]: ...
@in_full_precision
def backprop(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    semiring: str | Semiring = "sum",
    level: str = "unit",
    *,
    max_memory: int | None = None,
) -> Result | list[Result]:
    """Backpropagation in a semiring: one fact about all paths from each input element to the score.

    Where masses are so extreme that float32 would leave entropies few digits (1000 nats), it sweeps again in
    float64.

    Args:
        tape: the finished tape of the forward pass.
        score: what is explained, shape () or (B,) for one distribution of paths per example.
        wrt: a tensor used inside the recording, or a list of them. One that was written in place there means
            what it was before: its paths begin where the recording first met it.
        semiring: the name of one of `semiring_widgets.semirings`, such as ``"sum"``, ``"abs"``, ``"max"`` or
            ``"entropy"``; ``"fused"`` (these four in one sweep); or an object from there: ``KBest(8)``,
            ``Product(Sum(), Max())``, your own.
        level: for the maxima, ``"unit"`` (over scalar paths) or ``"branch"`` (Du et al., 2023).
        max_memory: bytes that the sweep may take beside the tape; None for no limit. How many it will take
            says `semiring_widgets.estimate_memory`.

    Returns:
        A `Result`, or a list of them where ``wrt`` is a list. What the score does not depend on has no path:
        its sum is 0, where autograd gives None or raises.

    Raises:
        InputError: an unknown semiring or level, or a score of another shape.
        MemoryLimitError: the sweep would take more than ``max_memory``.
        TapeError: the tape never saw one of the tensors, or all that leads from them to the score was cut, by
            `torch.no_grad` or `detach`.
        UnsupportedOpError: an operator on a path has no rule.
        NonFiniteError: a local derivative is NaN or infinite.

    Example:
        >>> x = torch.tensor([1.0, 2.0])
        >>> with sw.record() as tape:
        ...     score = (3 * x - x * x).sum()
        >>> backprop(tape, score, x).value  # the gradient, 3 - 2 x
        tensor([ 1., -1.])
        >>> backprop(tape, score, x, "max").log_weight.exp()  # the larger of 3 and |-2 x|
        tensor([3., 4.])
    """
    algebra = find_semiring(semiring, level)
    wanted = listed(wrt)
    score_node, nodes = find_nodes(tape, score, wanted)
    graph = GradientGraph(tape, score_node, nodes, room=1)  # it is swept once
    check_uncut(graph)
    check_sweep(graph, algebra, max_memory)
    results = _results(graph, algebra, nodes, wanted, level, max_memory)
    return results[0] if isinstance(wrt, Tensor) else results


def _results(
    graph: GradientGraph,
    algebra: Semiring,
    nodes: list[Node],
    wanted: list[Tensor],
    level: str,
    max_memory: int | None,
) -> list[Result]:
    values = sweep_backward(graph, algebra, INPUTS_ONLY)
    if graph.dtype == torch.float32 and any(map(algebra.coarse, values.values())):
        graph = GradientGraph(graph.tape, graph.score, nodes, room=graph.room, wide=True)
        check_sweep(graph, algebra, max_memory)
        values = sweep_backward(graph, algebra, INPUTS_ONLY)
    sign_of = signs_of(algebra, lambda told: _results(graph, told, nodes, wanted, level, max_memory))
    results = []
    for position, (node, tensor) in enumerate(zip(nodes, wanted, strict=True)):
        value = values.get(node)
        if value is None:
            value = zeros(graph, algebra, node)
        results.append(Result(algebra, value, graph.tape.granularity, level, tensor.dtype, sign_of(position)))
    return results


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
