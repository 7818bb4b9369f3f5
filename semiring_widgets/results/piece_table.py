"""The table of a continuation: what each token does to each of its pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

from semiring_widgets.results.parts import Score, Stream

if TYPE_CHECKING:
    from semiring_widgets.results.by_token import ByToken

__all__ = ["pieces_frame"]

_COLUMNS = (
    "of",
    "piece",
    "piece_text",
    "log_probability",
    "stream",
    "token",
    "text",
    "effect",
    "contribution",
)
_NAMES = ("piece", "piece_decoder")


def pieces_frame(score: Score, streams: Sequence[Stream], dataset: xr.Dataset) -> ByToken:
    """A row for every piece and every token that the model reads before it.

    Args:
        score: of a continuation, or of the difference of two.
        streams: the tokens.
        dataset: the numbers.
    """
    from semiring_widgets.results.by_token import ByToken  # loads pandas

    rows = _rows(score, streams, dataset) if "piece_effect" in dataset else ()
    return ByToken(rows, columns=[*_COLUMNS])


def _rows(score: Score, streams: Sequence[Stream], dataset: xr.Dataset) -> Iterator[dict[str, Any]]:
    begins = score.continuation or 0
    row = 0
    for of, own in (("target", score.pieces), ("contrast", score.contrast_pieces)):
        for number, name in enumerate(own):
            for stream, read in enumerate(streams):
                last = begins + number if stream == len(streams) - 1 else len(read.tokens)
                for token in read.tokens[:last]:
                    behind = token.index - begins if stream == len(streams) - 1 else -1
                    yield {
                        "of": of,
                        "piece": number,
                        "piece_text": name,
                        "log_probability": float(dataset["piece_log_probability"].values[row]),
                        "stream": stream,
                        "token": token.index,
                        # Where two continuations are read in one place, it is called by both.
                        "text": own[behind] if behind >= 0 else token.text,
                        **{
                            what: float(dataset[f"{_NAMES[stream]}_{what}"].values[row, token.index])
                            for what in ("effect", "contribution")
                        },
                    }
            row += 1
