"""Where in a stream each text of a pair, or each message of a chat, begins."""

from __future__ import annotations

from dataclasses import replace

from semiring_widgets.explanation.text import Source
from semiring_widgets.results.parts import Segment, Stream

__all__ = ["with_segments"]

_OF_PAIR = ("first text", "second text")
_ANSWERS = "assistant"


def with_segments(stream: Stream, source: Source) -> Stream:
    """A stream that knows its segments; as it is, where it has but one, or the tokenizer has no offsets.

    Args:
        stream: of the text.
        source: the text.
    """
    if len(source.parts) > 1:
        second = len(source.text) - len(source.parts[1])
        named = list(zip(_OF_PAIR, ((0, second - 1), (second, len(source.text))), strict=True))
    else:
        named = list(zip(source.roles, source.written or (), strict=False))
    spans = _spans(stream, source)
    found = []
    for name, (start, end) in named:
        inside = (place for place, (since, until) in enumerate(spans) if since < end and start < until)
        if (first := next(inside, None)) is not None:
            found.append(Segment(name, first))
    if found and source.roles and source.roles[-1] != _ANSWERS and source.answer:
        found.append(Segment(_ANSWERS, len(stream.tokens) - len(source.answer)))
    return replace(stream, segments=tuple(found))


def _spans(stream: Stream, source: Source) -> list[tuple[int, int]]:
    """Which characters each token stands for; pieces in the place of a mask, all between its neighbours."""
    spans = [(token.start, token.end) for token in stream.tokens]
    if source.filling is not None:
        index, pieces = source.filling
        since = max((end for _, end in spans[:index]), default=0)
        until = next((start for start, end in spans[index + len(pieces) :] if start < end), len(source.text))
        spans[index : index + len(pieces)] = [(since, until)] * len(pieces)
    return spans
