"""A set of paths in words, as the page words a selection: ``only paths from keys through head 3·3``."""

from __future__ import annotations

from collections.abc import Sequence

from semiring_widgets.core.anatomy import Anatomy, Selection
from semiring_widgets.core.paths import Paths
from semiring_widgets.results.parts import Stream

__all__ = ["words_of"]

_WAYS = {"mlp": "MLP", "mlp_skip": "way around the MLP"}


def words_of(paths: Paths | None, streams: Sequence[Stream]) -> str:
    """Which paths these are; empty where they are all.

    Args:
        paths: the set; None for all paths.
        streams: the tokens, by which places are named.
    """
    if paths is None or not paths.narrowed:
        return ""
    passed, avoided = (
        [_part(part, paths.anatomy, streams) for part in sorted(parts, key=_depth)]
        for parts in (paths.passed, paths.avoided)
    )
    starts = [part for start, part in passed if start]
    others = [part for start, part in passed if not start]
    # Of one path there is one start: who asks for several is told so.
    both = {0: "", 1: "", 2: "both "}.get(len(starts), "all of ")
    ways = " ".join(
        [
            *([f"from {both}{_listed(starts)}"] if starts else []),
            *([f"through {_listed(others)}"] if others else []),
        ]
    )
    around = " and ".join(f"{'the start at ' if start else ''}{part}" for start, part in avoided)
    said = [ways, f"avoiding {around}" if around else "", "leaving the skip" if paths.leaves else ""]
    return f"only paths {', '.join(filter(None, said))}"


def _listed(names: Sequence[str]) -> str:
    """``A``, ``A and B``, ``A, B and C``."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _depth(part: Selection) -> int:
    return -1 if part.layer is None else part.layer


def _part(part: Selection, anatomy: Anatomy, streams: Sequence[Stream]) -> tuple[bool, str]:
    """Whether it is where paths start, and its name."""
    if part.layer is None:
        whose = f" of the {streams[part.stream].name}" if len(streams) > 1 else ""
        return True, f"{_token(part.token, streams[part.stream])}{whose}"
    way = None if part.branch is None else _WAYS.get(part.branch, part.branch)
    if part.head is not None:
        named = f"head {part.layer}·{part.head}"
        named = named if way is None else f"the {way} of {named}"
    elif way is not None:
        named = f"the {way} of layer {part.layer}"
    else:
        named = f"{'the attention of ' if part.token is None else ''}layer {part.layer}"
    if part.token is None:
        return False, named
    stream = min(anatomy.attentions[part.layer].stream, len(streams) - 1)
    return False, f"{named} at {_token(part.token, streams[stream])}"


def _token(token: int | None, stream: Stream) -> str:
    """A token's text, with its number where another has the same."""
    if token is None or token >= len(stream.tokens):
        return f"token {token}"
    text = stream.tokens[token].text
    several = sum(other.text == text for other in stream.tokens) > 1
    return f"{text} (token {token})" if several else text
