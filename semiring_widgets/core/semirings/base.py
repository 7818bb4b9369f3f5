"""The algebra of a sweep: what "sum over paths of the product along each path" means.

A semiring value is a tuple of tensors of one shape, so reshaping, indexing and broadcasting a value is
doing so to each of its parts; algebra happens only in the methods below. A user's semiring needs the
first five members; the rest have generic definitions, which the built-in semirings replace by fast ones.

    >>> class Bottleneck(Semiring):
    ...     "The widest path: of each path the smallest |weight| counts, of all paths the largest of these."
    ...     zero, one = (0.0,), (float("inf"),)
    ...     def lift(self, weight):
    ...         return (weight.abs(),)
    ...     def times(self, a, b):
    ...         return (torch.minimum(a[0], b[0]),)
    ...     def plus(self, a, b):
    ...         return (torch.maximum(a[0], b[0]),)

Whatever takes a semiring takes an object of such a class. Tables and pictures show its `readout`, by default
the first of its `facts`, under its `name` and in its `unit`. What else differs between semirings, such as
whether numbers have a sign, each says of itself, so nobody has to ask which one it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, reduce
from typing import NamedTuple

import torch
from torch import Tensor

from semiring_widgets.core import kernels
from semiring_widgets.core.semirings.edge_weight import Weight

__all__ = ["Norm", "Semiring", "Value"]

Value = tuple[Tensor, ...]


class Norm(NamedTuple):
    """``y = d r`` with ``r = (mean(d squared) + eps) ** -0.5``, where d is the source x, or ``x - mean(x)``.

    ``result`` is y, ``scale`` is r (with the dimensions ``dims`` of the means as 1), ``share`` is -1 / n for
    n numbers in each mean, ``deviation`` is d, and ``centred`` says whether the mean was subtracted.
    """

    result: Weight
    scale: Weight
    share: Weight
    deviation: Tensor
    dims: tuple[int, ...]
    centred: bool


class Semiring(ABC):
    """A commutative semiring whose values are tuples of equally shaped tensors.

    Attributes:
        zero: the value of *no path*, one number per part.
        one: the value of the empty path, one number per part.
        name: what results and pictures call it; by default the name of the class.
        unit: what its `readout` is measured in; ``"nats"`` also says that it is a logarithm.
        method: its name among the attribution methods; by default "path" and its name.
        signed: whether its `plain` number may be negative in a meaningful way.
        judged: whether NaN and infinite derivatives are refused; `Sum` lets them through, as autograd does.
        branch_level: what stands for it at branch level; None for itself.
        distributive: whether ``times`` distributes over ``plus``, so that alpha times beta is the value of
            all paths through a place; not so at branch level.
        multiplicative: whether two edges of weights a and b in a row are worth one edge of weight a b, so
            that a sweep may join steps.
        row_kernels: its name among the kernels that join rows of values; "" where there are none for it.
        with_sign: a semiring among whose facts are this one's and their ``sign``, where this one finds
            magnitudes only; else None.
        begins_with: a semiring whose value is the first part of this one's, so that a `Product` of both need
            not carry it twice.
        counts_marks: whether it is made for a model, as ``cls(n)`` for paths with at most n marked edges; by
            name, `semiring_widgets.explain` and `semiring_widgets.compare` alone can ask for it.

    A class derived from another one, which may lift otherwise, has a name of its own, and a `method`,
    `with_sign`, `branch_level` and `begins_with` only if it says so, and is `multiplicative` only then.

    Example:
        >>> import torch, semiring_widgets as sw
        >>> class Bottleneck(sw.Semiring):
        ...     zero, one = (0.0,), (float("inf"),)
        ...     def lift(self, weight):
        ...         return (weight.abs(),)
        ...     def times(self, a, b):
        ...         return (torch.minimum(a[0], b[0]),)
        ...     def plus(self, a, b):
        ...         return (torch.maximum(a[0], b[0]),)
        >>> x = torch.tensor([1.0, 2.0])
        >>> with sw.record() as tape:
        ...     score = (3 * x - x * x).sum()  # each x by two ways: 3, and x once for each factor
        >>> sw.backprop(tape, score, x, Bottleneck()).facts
        {'Bottleneck': tensor([1., 1.])}
    """

    zero: tuple[float, ...]
    one: tuple[float, ...]
    name: str = ""
    unit: str = ""
    method: str = ""
    signed: bool = True
    judged: bool = True
    distributive: bool = True
    multiplicative: bool = False
    row_kernels: str = ""
    with_sign: Semiring | None = None
    branch_level: Semiring | None = None
    begins_with: type[Semiring] | None = None
    counts_marks: bool = False

    def __init_subclass__(cls) -> None:
        if "name" not in vars(cls):
            cls.name = cls.__name__
        own = ["method", "multiplicative", "row_kernels", "with_sign", "branch_level", "begins_with"]
        if "readout" in vars(cls):
            own.append("plain")
        for key in own:
            if key not in vars(cls):
                setattr(cls, key, vars(Semiring)[key])

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        # `unital` is remembered of the object as it was.
        vars(self).pop("unital", None)

    @abstractmethod
    def lift(self, weight: Tensor) -> Value:
        """The value of an edge whose local derivative is ``weight`` (any shape; same shape and dtype out).

        A weight of 0 is no edge: what is given for it does not matter.
        """

    @abstractmethod
    def times(self, a: Value, b: Value) -> Value:
        """One after the other: the value of joined paths. Shapes broadcast."""

    @abstractmethod
    def plus(self, a: Value, b: Value) -> Value:
        """Side by side: the value of both sets of paths together. Shapes broadcast."""

    # What follows is derived. Override it where something faster is known.

    def facts(self, value: Value) -> Mapping[str, Tensor]:
        """What a result offers by name; by default its parts, named after the semiring."""
        if len(value) == 1:
            return {self.name: value[0]}
        return {f"{self.name}_{number}": part for number, part in enumerate(value)}

    def readout(self, value: Value) -> Tensor:
        """The one number that tables, pictures and attributions show; by default the first of the facts.

        What it is where there is no path does not matter: that is shown as such.
        """
        return next(iter(self.facts(value).values()))

    def plain(self, value: Value) -> Tensor:
        """The one number of an attribution in Captum's form: with a sign, and no logarithm; or the readout.

        Args:
            value: of `with_sign`, if there is one. Where there is no path, what comes out does not matter.
        """
        return self.readout(value)

    def coarse(self, value: Value) -> bool:
        """Whether float32 is too coarse for such values, so that a sweep is to be made again in float64."""
        return False

    def absent(self, value: Value) -> Tensor:
        """True where the value is that of *no path*."""
        places = (part == none for part, none in zip(value, self.zero, strict=True))
        return reduce(torch.logical_and, places)

    @cached_property
    def unital(self) -> bool:
        """Whether an edge of weight 1 changes nothing: ``lift(1)`` is `one`."""
        if self.multiplicative:
            return True
        return all(float(part) == one for part, one in zip(self.lift(torch.ones(())), self.one, strict=True))

    def full(self, numbers: Sequence[float], shape: Sequence[int], like: Tensor) -> Value:
        """A value that is ``numbers`` everywhere, with the dtype and device of ``like``."""
        return tuple(like.new_full(tuple(shape), number) for number in numbers)

    def scale(self, value: Value, weight: Weight) -> Value:
        """``value`` times the lifted edge weights; shapes broadcast."""
        return self.times(value, self._edges(weight.value))

    def sum(self, value: Value, dims: Sequence[int]) -> Value:
        """Semiring sum over ``dims``, which stay with size 1."""
        for dim in dims:
            value = self._fold(value, dim % value[0].dim())
        return value

    def through_softmax(self, value: Value, result: Weight, dims: Sequence[int]) -> Value:
        """What comes out of a softmax over ``dims``, in either direction, if this is `multiplicative`.

        ``out[i] = value[i] times y[i], plus over j of value[j] times -y[i] y[j]``, with y its result.
        Values may have more dimensions in front than y; ``dims`` are theirs, counted from 0.
        """
        if self.row_kernels and value[0].dim() == result.value.dim():
            done = kernels.softmax_logs(self.row_kernels, value, result.value, dims)
            if done is not None:
                return done
        direct = self.scale(value, result)
        return self.plus(direct, self.scale(self.sum(direct, dims), result.negated))

    def through_norm(self, value: Value, norm: Norm, *, forward: bool) -> Value:
        """What comes out of a norm, if this is `multiplicative`.

        ``d = value plus (over j of value[j] times y[j]) times -y / n``, with y its result; if it is centred,
        ``d plus (over j of d[j]) times -1 / n``; that times its scale. Forward in the other order.
        Values may have more dimensions in front than y; ``norm.dims`` are theirs.
        """
        if self.row_kernels and value[0].dim() == norm.deviation.dim():
            tensors = norm.result.value, norm.scale.value
            done = kernels.norm_logs(
                self.row_kernels, value, *tensors, norm.dims, centred=norm.centred, forward=forward
            )
            if done is not None:
                return done
        if forward:
            value = self.scale(value, norm.scale)
            value = self._fed_back(value, norm, None) if norm.centred else value
            return self._fed_back(value, norm, norm.result)
        value = self._fed_back(value, norm, norm.result)
        value = self._fed_back(value, norm, None) if norm.centred else value
        return self.scale(value, norm.scale)

    def _fed_back(self, value: Value, norm: Norm, weight: Weight | None) -> Value:
        own = value if weight is None else self.scale(value, weight)
        joined = self.scale(self.sum(own, norm.dims), norm.share)
        back = tuple(j.expand(v.shape) for j, v in zip(joined, value, strict=True))
        return self.plus(value, back if weight is None else self.scale(joined, weight))

    def total(self, values: Iterable[Value]) -> Value:
        """Semiring sum of all elements of at least one value, parts of shape ()."""
        joined = (torch.cat([part.reshape(-1) for part in parts]) for parts in zip(*values, strict=True))
        return tuple(part.squeeze(0) for part in self.sum(tuple(joined), (0,)))

    def contract(self, value: Value, weight: Weight) -> Value:
        """``out[..., m, n] = plus over k of value[..., m, k] times lift(weight[..., k, n])``."""
        return self._met(value, self._edges(weight.value))

    def meet(self, many: Sequence[Value], b: Value) -> Value:
        """``out[m, n] = plus over k of a[m, k] times b[k, n]``: alpha and beta of many parts at once.

        Args:
            many: values of shapes (M, K), whose rows come below each other.
            b: (K, N).
        """
        return self.below([self._met(a, b) for a in many])

    @staticmethod
    def below(values: Iterable[Value]) -> Value:
        """Values with their rows below each other."""
        return tuple(torch.cat(parts) for parts in zip(*values, strict=True))

    def _met(self, a: Value, b: Value) -> Value:
        k, n = b[0].shape[-2:]
        m = a[0].shape[-2]
        batch = torch.broadcast_shapes(a[0].shape[:-2], b[0].shape[:-2])
        if batch.numel() * m * n * k == 0:
            return self.full(self.zero, (*batch, m, n), a[0])
        turned = tuple(part[..., None, :, :] for part in b)
        step, width = kernels.tile(batch.numel() * k, n, a[0].device)
        rows = []
        for start in range(0, m, step):
            part = tuple(v[..., start : start + step, :, None] for v in a)
            found = []
            for column in range(0, n, width):
                joined = self.times(part, tuple(e[..., column : column + width] for e in turned))
                found.append(tuple(v.squeeze(-2) for v in self.sum(joined, (-2,))))
            rows.append(tuple(torch.cat(parts, -1) for parts in zip(*found, strict=True)))
        return tuple(torch.cat(parts, -2) for parts in zip(*rows, strict=True))

    def contract_rows(self, value: Value, weight: Weight, rows: Tensor) -> Value:
        """`contract` of some rows, where no path reaches the others.

        Args:
            value: parts of shape (M, K).
            weight: (K, N).
            rows: boolean of shape (M,).

        Returns:
            Parts of shape (M, N).
        """
        found = self.contract(tuple(part[rows] for part in value), weight)
        whole = self.full(self.zero, (len(rows), weight.value.shape[-1]), value[0])
        for part, new in zip(whole, found, strict=True):
            part[rows] = new
        return whole

    def scatter(self, value: Value, index: Tensor, size: int) -> Value:
        """Sum flat values into ``size`` places: ``out[i] = plus of value[j] with index[j] == i``.

        Args:
            value: parts of shape (N,).
            index: int64 of shape (N,), in 0..size-1.
            size: number of places.
        """
        order = torch.argsort(index, stable=True)
        sorted_index = index[order]
        counts = torch.bincount(sorted_index, minlength=size)
        first = torch.cumsum(counts, 0) - counts
        turn = torch.arange(len(order), device=index.device) - first[sorted_index]
        out = self.full(self.zero, (size,), value[0])
        for round_ in range(int(counts.max()) if len(order) else 0):
            # Within one round every place occurs at most once.
            chosen = order[turn == round_]
            place = index[chosen]
            added = self.plus(tuple(o[place] for o in out), tuple(v[chosen] for v in value))
            out = tuple(o.index_copy(0, place, a) for o, a in zip(out, added, strict=True))
        return out

    def merge(self, a: Value, b: Value) -> Value:
        """Join what arrives through different consumers of one tensor; ``plus``, except at branch level."""
        return self.plus(a, b)

    def mark(self, value: Value) -> Value:
        """Called on what arrives along a marked edge, for semirings that count such edges."""
        return value

    def settle(self, value: Value) -> Value:
        """Called on what each block gives, before `merge`; the identity, except at branch level."""
        return value

    def counted(self, value: Value) -> Value:
        """Of values kept apart by the marked edges of their paths, that of the paths that count."""
        return value

    def branched(self) -> Semiring:
        """The same at branch level: `branch_level`, or itself.

        Raises:
            InputError: it has none.
        """
        return self.branch_level or self

    @property
    def factors(self) -> tuple[Semiring, ...]:
        """The semirings that have one number each: those of a `Product`; else only itself."""
        return (self,)

    @property
    def carried(self) -> tuple[Semiring, ...]:
        """Those of the factors whose values, one after the other, are the value."""
        return (self,)

    def factored(self, value: Value) -> list[tuple[Semiring, Value]]:
        """Each factor with its part of a value."""
        return [(self, value)]

    def part(self, value: Value, factor: type[Semiring]) -> Value:
        """The value of the factor of a class, or of what one `begins_with`.

        Example:
            >>> from semiring_widgets.semirings import Abs, Entropy, Product, Sum
            >>> both = Product(Sum(), Entropy())
            >>> both.part(both.lift(torch.tensor(-2.0)), Abs)
            (tensor(0.6931),)

        Raises:
            KeyError: there is no such factor.
        """
        for own, part in self.factored(value):
            if type(own) is factor:
                return part
            if own.begins_with is factor:
                return part[: len(factor.zero)]
        raise KeyError(f"{self.name} has no factor {factor.__name__}")

    def _edges(self, weight: Tensor) -> Value:
        """The lifted weights; *no path* where the weight is 0."""
        absent = weight == 0
        return tuple(
            part.masked_fill(absent, none) for part, none in zip(self.lift(weight), self.zero, strict=True)
        )

    def _fold(self, value: Value, dim: int) -> Value:
        while (size := value[0].shape[dim]) > 1:
            half = size // 2
            low = tuple(v.narrow(dim, 0, half) for v in value)
            high = tuple(v.narrow(dim, half, half) for v in value)
            folded = self.plus(low, high)
            if size % 2:
                rest = tuple(v.narrow(dim, size - 1, 1) for v in value)
                folded = tuple(torch.cat(both, dim) for both in zip(folded, rest, strict=True))
            value = folded
        if value[0].shape[dim] == 0:
            shape = list(value[0].shape)
            shape[dim] = 1
            return self.full(self.zero, shape, value[0])
        return value

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
