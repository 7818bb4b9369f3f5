"""The same tensor in the recording of another text, found by what it is in the anatomy of both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from semiring_widgets.core.anatomy import Attention
from semiring_widgets.core.effects.cut_points import context_of
from semiring_widgets.core.graph import listed
from semiring_widgets.core.paths import Ground, ground_of
from semiring_widgets.core.replay.alignment import Aligned
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import InputError

__all__ = ["values_in_other"]


class _Laid(NamedTuple):
    """A tensor with rows for tokens of one input, along one dimension; None where they are not so plain."""

    node: Node
    stream: int
    dim: int | None


def values_in_other(
    ground: Ground,
    given: Aligned,
    aligned: Sequence[Sequence[int]],
    nodes: Collection[Node],
    name: str,
) -> Mapping[Node, Tensor]:
    """Numbers of nodes with the rows of another text.

    Args:
        ground: of this text.
        given: the other text, recorded.
        aligned: which of its tokens stands in for each, by input.
        nodes: of this text.
        name: of the argument, for messages.

    Raises:
        InputError: the two recordings are not of one model, or a tensor is not known in both.
    """
    if given.tape is None or given.score is None:
        raise InputError(f"{name} has a tape and no score; give the score that was computed in it.")
    other = ground_of(given.tape, given.score, listed(given.inputs, f"{name}.inputs"), "gradient")
    other.graph.check_unchanged()
    own, its = (_laid_out(each) for each in (ground, other))
    key_of = {laid.node: key for key, laid in own.items()}
    found = {}
    for node in nodes:
        key = key_of.get(node)
        if key is None or key not in its:
            raise InputError(
                f"{name} is another recording, and a tensor of shape {list(node.outer)} is no part that is "
                f"known in both. Give {name} without its tape, or replace a part: layer, head, token."
            )
        found[node] = _rows(own[key], its[key], given, aligned, name)
    return found


def _rows(own: _Laid, its: _Laid, given: Aligned, aligned: Sequence[Sequence[int]], name: str) -> Tensor:
    shapes = [list(one.node.shape) for one in (own, its)]
    alike = own.dim is not None and own.dim == its.dim and own.stream == its.stream
    if own.dim is not None:
        for shape in shapes:
            shape[own.dim] = len(aligned[own.stream])
    alike = alike and own.node.shape[own.dim or 0] == len(aligned[own.stream])
    if not alike or shapes[0] != shapes[1] or len(own.node.shape) != len(its.node.shape):
        raise InputError(
            f"{name} is another recording, and a tensor of shape {list(own.node.shape)} has the shape "
            f"{list(its.node.shape)} there, so its rows are not the tokens that were aligned. Give {name} "
            f"without its tape."
        )
    return given.own_rows(own.node.value, own.dim or 0, its.node.value, aligned[own.stream])


def _laid_out(ground: Ground) -> dict[tuple[object, str], _Laid]:
    found: dict[tuple[object, str], _Laid] = {
        (None, str(stream)): _Laid(node, stream, len(node.shape) - 2)
        for stream, node in enumerate(ground.graph.wrt)
    }
    for attention in ground.anatomy.attentions:
        found |= {(attention.index, name): laid for name, laid in _of_layer(attention).items()}
    return found


def _of_layer(attention: Attention) -> dict[str, _Laid]:
    found = {}
    for name, operand in (*attention.operands.items(), ("context", context_of(attention))):
        stream = attention.key_stream if name in ("key", "value") else attention.stream
        found[name] = _Laid(operand.node, stream, operand.token_axis if operand.places is None else None)
    for name, residual in (("stream", attention.residual), ("mlp", attention.mlp)):
        if residual is not None:
            node = residual.branch if name == "mlp" else residual.skip
            plain = residual.dims == (-2,) and node.shape == residual.skip.shape
            found[name] = _Laid(node, attention.stream, len(node.shape) - 2 if plain else None)
    return found
