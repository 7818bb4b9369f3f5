"""Selections: parts of a model that paths must pass, and the one place where they are checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from torch import Tensor

from semiring_widgets.checks import shown, whole_number
from semiring_widgets.core.anatomy.parts import Anatomy
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import BRANCHES

__all__ = ["Extent", "LayerExtent", "Parts", "Selection", "checked", "extent_of"]

_HEADLESS = ("skip", "mlp", "mlp_skip")


@dataclass(frozen=True)
class Selection:
    """A part that paths must pass; None means any.

    Attributes:
        layer: attention layer. Alone, it means its attention: paths that leave the skip there.
        branch: ``skip``, ``query``, ``key``, ``value``, ``mlp`` or ``mlp_skip`` of that layer.
        head: head of that layer: its query, key and value, or the one named by ``branch``.
        token: token of the stream at the input of the layer; without one, of the input, where paths start.
        stream: which input a token without a layer belongs to.

    Example:
        >>> head = sw.Selection(layer=3, head=2)
        >>> whole.through(head).log_mass == whole.through({"layer": 3, "head": 2}).log_mass
        True
    """

    layer: int | None = None
    branch: str | None = None
    head: int | None = None
    token: int | None = None
    stream: int = 0


Parts = Selection | Mapping[str, Any] | Iterable[Selection | Mapping[str, Any]]
_NAMES = tuple(field.name for field in fields(Selection))


@dataclass(frozen=True)
class LayerExtent:
    """How many heads, and tokens on the side of the queries and of the keys, a layer has."""

    heads: int
    queries: int
    keys: int


@dataclass(frozen=True)
class Extent:
    """What there is to select: the layers, and how many tokens each input has."""

    layers: tuple[LayerExtent, ...]
    inputs: tuple[int, ...]


def extent_of(graph: GradientGraph, anatomy: Anatomy) -> Extent:
    """What there is to select in a graph."""
    layers = tuple(LayerExtent(a.heads, a.query.tokens, a.key.tokens) for a in anatomy.attentions)
    inputs = tuple(node.token_shape[1] for node in graph.wrt)
    return Extent(layers, inputs)


def checked(parts: Parts, extent: Extent) -> tuple[Selection, ...]:
    """The parts of a selection, each once; paths are to pass all of them.

    Args:
        parts: a part or several, each a `Selection` or a dict with some of its fields. A dict that names
            nothing, or nothing at all, selects all paths.
        extent: of the model.

    Raises:
        InputError: says which part the model does not have, or what makes no sense.
    """
    given: Any = parts
    if isinstance(given, (Selection, Mapping)):
        given = [given]
    elif isinstance(given, (str, Tensor, np.ndarray)) or not isinstance(given, Iterable):
        raise InputError(f"A selection is a part or a list of parts, got {shown(given)}. {_HOW}")
    found = dict.fromkeys(_part(part, extent) for part in given)
    return tuple(part for part in found if part != Selection(stream=part.stream))


_HOW = f"A part is a dict with some of {', '.join(_NAMES)}, for example {{'layer': 3, 'head': 2}}."


def _part(given: Any, extent: Extent) -> Selection:
    if isinstance(given, Selection):
        given = asdict(given)
    if not isinstance(given, Mapping):
        raise InputError(f"{shown(given)} is no part of a model. {_HOW}")
    unknown = [key for key in given if key not in _NAMES]
    if unknown:
        raise InputError(f"{shown(given)} is no part of a model: it has {unknown[0]!r}. {_HOW}")
    values: dict[str, Any] = {name: given.get(name) for name in _NAMES}
    if values["stream"] is None:
        values["stream"] = 0
    for name in ("layer", "head", "token", "stream"):
        if values[name] is not None:
            wanted = "a whole number, counted from 0, or None"
            values[name] = whole_number(values[name], name, least=None, most=None, wanted=wanted)
    branch = values["branch"]
    if branch is not None and not (isinstance(branch, str) and branch in BRANCHES):
        raise InputError(f"branch is {shown(branch)}; choose one of {', '.join(BRANCHES)}.")
    part = Selection(**values)
    _within("stream", part.stream, len(extent.inputs), "there are {} inputs")
    if part.layer is None:
        _check_start(part, extent)
    else:
        _check_inside(part, part.layer, extent)
    return part


def _check_start(part: Selection, extent: Extent) -> None:
    for name, value in (("head", part.head), ("branch", part.branch)):
        if value is not None:
            raise InputError(f"{name} is {shown(value)}, and there is no layer that it is of; add layer=.")
    if part.token is not None:
        _within("token", part.token, extent.inputs[part.stream], f"input {part.stream} has {{}} tokens")


def _check_inside(part: Selection, layer: int, extent: Extent) -> None:
    _within("layer", layer, len(extent.layers), "there are {} layers")
    own = extent.layers[layer]
    if part.head is not None:
        if part.branch in _HEADLESS:
            raise InputError(f"The {part.branch} of a layer has no heads; leave head= out.")
        _within("head", part.head, own.heads, f"layer {layer} has {{}} heads")
    if part.token is not None:
        tokens = own.keys if part.branch in ("key", "value") else own.queries
        _within("token", part.token, tokens, f"layer {layer} has {{}} tokens")


def _within(name: str, number: int, count: int, there_are: str) -> None:
    if not 0 <= number < count:
        raise InputError(f"{name} is {number}; {there_are.format(count)}, counted from 0.")
