"""What each token does to each piece of a continuation: one recording, one score a piece.

The score of a continuation is a sum over its pieces, so effects and contributions of a token are sums, too;
here they are told piece by piece. A token is replaced once, and all pieces are read from the same pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from semiring_widgets.core import record
from semiring_widgets.core.effects import effect_rows
from semiring_widgets.explanation.continuations import Continuation
from semiring_widgets.explanation.draft import Draft
from semiring_widgets.explanation.effect_numbers import REFUSALS
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.results.schema import empty_pieces

__all__ = ["tell_pieces"]

_TOGETHER = 16  # texts of one forward pass
_NAMES = ("piece", "piece_decoder")


def tell_pieces(draft: Draft, reference: Any, left: int | None) -> None:
    """Write effects and contributions by piece into the table of a draft, and tell them as they come.

    Args:
        draft: of a continuation, or of the difference of two; changed.
        reference: what stands in for a token, as in `explain`.
        left: bytes beside the recording that is there already, and what is kept of it; None for no limit.
    """
    halves = draft.prepared.halves or (draft.prepared,)
    counts = [len(_asked(half).pieces) for half in halves]
    tokens, two = draft.dataset.sizes["token"], len(draft.prepared.streams) > 1
    draft.dataset = draft.dataset.merge(empty_pieces(sum(counts), tokens, decoder=two))
    first = 0
    for half, count in zip(halves, counts, strict=True):
        _Half(draft, half, first, half.refer(reference).inputs, left).told()
        first += count


def _asked(half: Prepared) -> Continuation:
    asked = half.asked
    assert isinstance(asked, Continuation)  # noqa: S101  (what has a continuation is made from one)
    return asked


class _Half:
    """One continuation, and the rows of the table that are its pieces."""

    def __init__(
        self, draft: Draft, half: Prepared, first: int, reference: tuple[Tensor, ...], left: int | None
    ) -> None:
        self.draft, self.half, self.first, self.reference, self.left = draft, half, first, reference, left
        self.asked = _asked(half)

    def told(self) -> None:
        own = self._each(*self.half.inputs)[0]
        last = self.first + len(own)
        self.draft.dataset["piece_log_probability"].values[self.first : last] = own.cpu().numpy()
        for stream, inputs in enumerate(self.half.inputs):
            effects = self.draft.dataset[f"{_NAMES[stream]}_effect"].values
            for start in range(0, inputs.shape[1], _TOGETHER):
                self.draft.check()
                tokens = range(start, min(start + _TOGETHER, inputs.shape[1]))
                after = self._each(*self._without(stream, tokens))
                effects[self.first : last, tokens.start : tokens.stop] = (own - after).T.cpu().numpy()
                self.draft.publish("effects piece by piece")
        try:
            self._contributions()
        except REFUSALS:
            return  # effects need no recording

    def _each(self, *embeds: Tensor) -> Tensor:
        """Log-probability of every piece, float64 (B, pieces)."""
        return self.asked.each(self.half.call(*embeds)).double()

    def _without(self, stream: int, tokens: range) -> list[Tensor]:
        """Embeddings of the texts in which one token each is as in the reference."""
        embeds = [x.repeat(len(tokens), 1, 1) for x in self.half.inputs]
        for row, token in enumerate(tokens):
            embeds[stream][row, token] = self.reference[stream][0, token]
        return embeds

    def _contributions(self) -> None:
        options, inputs = self.draft.options, list(self.half.inputs)
        with record(
            options.granularity, rules=options.rules, reference=self.reference, max_memory=self.left
        ) as tape:
            each = self.asked.each(self.half.call(*inputs))[0]
            scores = [each[number : number + 1] for number in range(len(each))]
        # What tests and sweeps may take is told beside their own tape.
        beside = None if self.left is None else max(0, self.left - tape.nbytes)
        check: Callable[..., None] = lambda *_: self.draft.check()  # noqa: E731
        for number, score in enumerate(scores):
            self.draft.check()
            rows = effect_rows(
                tape, score, inputs, list(self.reference), kind="tokens", tested=False,
                max_memory=beside, progress=check,
            )  # fmt: skip
            for row in rows:
                values = self.draft.dataset[f"{_NAMES[row['stream']]}_contribution"].values
                values[self.first + number, row["token"]] = row["contribution"]
            self.draft.publish(f"piece {number + 1} of {len(scores)}")
