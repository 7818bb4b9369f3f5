"""Another text as the reference: which of its tokens stands in for each token of this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import choice, shown, whole_number
from semiring_widgets.core.graph import listed
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError

__all__ = ["Aligned", "alignment_of", "stand_ins"]

_UNMATCHED = ("stays", "mean")


@dataclass(frozen=True, eq=False)
class Aligned:
    """Another text, of the same length or not, and which of its tokens stands in for each token.

    Without ``tape`` the reference is *one text of this length*: its inputs are the rows of the other's that
    ``tokens`` names, and every part is what the recorded forward pass makes of them.

    With ``tape``, a recording of the other text, a part is what *the other text* made of it: of the stream,
    of feed-forward parts, of heads and their operands the rows of the aligned tokens (of a head's output, of
    the aligned query). Attention patterns are never mixed: a row of a head's output is what the other text's
    query gathered from all of the other text, however long that is.

    Attributes:
        inputs: those of the other text, shaped as ``wrt`` but for the number of tokens; a tensor, or a list.
        tokens: for each token of this text the number of that in the other which stands in for it, -1 where
            there is none; a list of such lists where there are several inputs.
        unmatched: what a token without one is given: ``"stays"`` as it is, or the ``"mean"`` over the tokens
            of the tensor that it is a row of.
        tape: a finished tape of the same model with these inputs, or None.
        score: its score; needed beside ``tape``.

    Example:
        >>> x, y = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[5.0], [7.0]])
        >>> with sw.record() as tape:
        ...     score = (x * x).sum()
        >>> other = sw.Aligned(y, [0, -1, 1])
        >>> sw.test(tape, score, {(sw.Selection(token=2), sw.Selection(token=1)): "reference"}, wrt=x,
        ...         reference=other)
        Effect(before=14.0, after=54.0)
    """

    inputs: Tensor | Sequence[Tensor]
    tokens: Sequence[int] | Sequence[Sequence[int]] | Tensor
    unmatched: str = "stays"
    tape: Tape | None = None
    score: Tensor | None = None

    def own_rows(self, value: Tensor, dim: int, other: Tensor, stand_ins: Sequence[int]) -> Tensor:
        """A tensor of this text with the rows of the other text's in the place of its own.

        Args:
            value: of this text.
            dim: of it, that counts tokens.
            other: the same tensor of the other text.
            stand_ins: as ``tokens``, of one input.

        Example:
            >>> mine, others = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[5.0], [7.0]])
            >>> sw.Aligned(others, [0, -1, 1]).own_rows(mine, 0, others, [0, -1, 1]).flatten().tolist()
            [5.0, 2.0, 7.0]
        """
        at = torch.tensor([max(0, row) for row in stand_ins], device=value.device)
        known = torch.tensor([row >= 0 for row in stand_ins], device=value.device)
        shape = [1] * value.dim()
        shape[dim] = len(stand_ins)
        given = other.to(device=value.device, dtype=value.dtype).index_select(dim, at)
        rest = value.mean(dim, keepdim=True) if self.unmatched == "mean" else value
        return torch.where(known.reshape(shape), given, rest)


def alignment_of(starts: Sequence[Node], given: Aligned, name: str) -> tuple[tuple[int, ...], ...]:
    """Which token stands in for which, by input, checked.

    Args:
        starts: the inputs of this text.
        given: the other text.
        name: of the argument, for messages.

    Raises:
        InputError: it does not fit the two texts.
    """
    choice(given.unmatched, f"{name}.unmatched", _UNMATCHED)
    others = listed(given.inputs, f"{name}.inputs")
    tokens: Any = given.tokens.tolist() if isinstance(given.tokens, Tensor) else given.tokens
    if not isinstance(tokens, (list, tuple)):
        raise InputError(f"{name}.tokens is {shown(tokens)}; give a list of whole numbers, one a token.")
    many = tokens if tokens and isinstance(tokens[0], (list, tuple)) else [tokens]
    if not len(others) == len(many) == len(starts):
        raise InputError(
            f"{name} aligns {len(many)} inputs and has {len(others)} of the other text; wrt has "
            f"{len(starts)}: give as many of both."
        )
    found = []
    for node, other, own in zip(starts, others, many, strict=True):
        shape, its = list(node.outer), list(other.shape)
        if len(shape) < 2 or shape[:-2] != its[:-2] or shape[-1:] != its[-1:] or len(shape) != len(its):
            raise InputError(
                f"{name} has an input of shape {its}, and wrt one of shape {shape}; only the number of "
                f"tokens, the last dimension but one, may differ."
            )
        if len(own) != shape[-2]:
            raise InputError(
                f"{name}.tokens has {len(own)} numbers for {shape[-2]} tokens; give one for each, -1 for "
                f"none."
            )
        most = its[-2] - 1
        wanted = f"a token of the other text, 0 to {most}, or -1 for none"
        found.append(
            tuple(whole_number(row, f"{name}.tokens", least=-1, most=most, wanted=wanted) for row in own)
        )
    return tuple(found)


def stand_ins(starts: Sequence[Node], given: Any, name: str) -> tuple[tuple[int | None, ...], ...]:
    """Which token of a reference stands in for each token, by input: itself in one of the same shape.

    None where there is none, as in a reference that is a word.
    """
    if isinstance(given, Aligned):
        return tuple(
            tuple(None if row < 0 else row for row in own) for own in alignment_of(starts, given, name)
        )
    same = given is not None and not isinstance(given, str)
    return tuple(tuple(t if same else None for t in range(node.token_shape[1])) for node in starts)
