"""The static picture of an explanation: the same story in the same order as the page.

First the answer in sentences, small what it is about, then words, words x layers, heads and MLPs, and the
routes, all tinted by what was tested, on one scale.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.pictures.grid import grid
from semiring_widgets.pictures.heads_and_mlps import heads
from semiring_widgets.pictures.palette import INK, LINE, MUTED, shade
from semiring_widgets.pictures.piece_matrix import pieces_picture
from semiring_widgets.pictures.plain_text import statistics
from semiring_widgets.pictures.ribbon import ribbon, stand_ins
from semiring_widgets.pictures.sheet import (
    MARGIN,
    WIDTH,
    Block,
    heading,
    label,
    prose,
    sheet,
    stack,
    text_width,
)
from semiring_widgets.pictures.tints import Tints, tints_of
from semiring_widgets.pictures.ways import Way, by_contribution, ways_of
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.wording import brief, number

__all__ = ["draw_explanation"]

_ROUTES: Final = 4.75  # inches from the left, where the list of routes begins
_LISTED, _LEAST = 8, 3  # routes: as many as fit beside the heads, but a few at least
_LINES: Final = 2  # of each
_HEAD: Final = re.compile(r"\bhead \d+·\d+", re.IGNORECASE)
_SWATCHES: Final = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)


def draw_explanation(result: Explanation) -> Figure:
    """The picture as a figure.

    Args:
        result: an explanation with any number of tokens; what is not known yet is grey.
    """
    return sheet(list(_blocks(result)))


def _blocks(result: Explanation) -> Iterator[Block]:
    tints, ways = tints_of(result), ways_of(result)
    yield from _answer(result)
    yield from prose(_about(result), 8, color=MUTED)
    yield _nothing(0.1)
    yield _legend(result, tints["token"])
    for place, stream in enumerate(result.streams):
        # Older files know nothing of a second stream's words.
        known = tints.get("decoder" if place else "token", tints["token"].unknown)
        if place:
            yield _title(f"Words of the {stream.name}", known.caption)
        others = stand_ins(result.reference, place, len(stream.tokens))
        yield ribbon(stream.tokens, known, others)
    if not (table := result.by_token()).empty and table["piece"].max() > 0:
        yield pieces_picture(table)
    yield _nothing(0.08)
    # A straight line up tells less than the first route that a head carries.
    lead = next((way for way in ways if any(step.branch != "skip" for step in way.steps)), None)
    lead = lead or next(iter(ways), None)
    told = f"line: route {ways.index(lead) + 1} below" if lead else ""
    told += ", dashed: it speaks against the score" if lead and lead.negative else ""
    yield grid(result, tints["node"], lead, told)
    yield _lower(result, tints, ways)
    for name, extremes in statistics(result):
        yield from prose(f"{name}: {extremes}", 8)


def _answer(result: Explanation) -> Iterator[Block]:
    if not result.sentences:
        value = result.score.value
        said = f"{result.score.label} = {number(value)}" if math.isfinite(value) else result.score.label
        yield from prose(said.replace("*", "∗"), 13, weight="bold")
        return
    first, *others = result.sentences
    yield from prose(first.text, 13, weight="bold")
    for sentence in others:
        remark = sentence.kind == "remark"
        yield from prose(
            _HEAD.sub(r"*\g<0>*", sentence.text), 8.5 if remark else 10, color=MUTED if remark else INK
        )


def _about(result: Explanation) -> str:
    """Small, below the answer: the score, what it is compared with, the model, of which paths."""
    score, reference = result.score, result.reference
    facts = [f"{score.label} = {number(score.value)}"] if result.sentences else []
    if reference is not None:
        facts.append(f"compared with {reference.label} (score {brief(reference.score)})")
    facts.append(result.model)
    if result.paths:
        facts.append(result.paths)
    if result.status.state != "done":
        facts.append(f"{result.status.state}: {result.status.message}")
    return "  ·  ".join(drawable(fact.replace("*", "∗"), 160) for fact in facts)


def _legend(result: Explanation, tints: Tints) -> Block:
    """The first picture's name, and at the right what the tints mean, with their ends."""

    def draw(page: Any, top: float) -> None:
        heading(page, top - 0.1, "Words", tints.caption)
        if tints.peak == 0:
            return
        steps = _SWATCHES if tints.signed else [step for step in _SWATCHES if step >= 0]
        low, high = _ends(result, tints)
        x = WIDTH - MARGIN - text_width(high, 8)
        label(page, x, top - 0.1, high, 8)
        x -= 0.08 + 0.14 * len(steps)
        for place, step in enumerate(steps):
            at = (x + 0.14 * place, top - 0.15)
            page.add_patch(Rectangle(at, 0.14, 0.11, facecolor=shade(step), edgecolor=LINE, linewidth=0.4))
        label(page, x - 0.08, top - 0.1, low, 8, ha="right")
        if tints.signed:
            x -= 0.24 + text_width(low, 8)
            label(page, x, top - 0.1, "one scale for all pictures:", 8, ha="right", color=MUTED)

    return Block(0.26, draw)


def _ends(result: Explanation, tints: Tints) -> tuple[str, str]:
    if not tints.signed:
        return "none", "the most in each picture"
    target, contrast = result.score.target, result.score.contrast
    if target is None or contrast is None:
        return f"lowers the score {brief(-tints.peak)}", f"{brief(tints.peak)} raises it"
    return (
        f"for {drawable(contrast, 20)} {brief(-tints.peak)}",
        f"{brief(tints.peak)} for {drawable(target, 20)}",
    )


def _lower(result: Explanation, tints: dict[str, Tints], ways: Sequence[Way]) -> Block:
    """Heads and MLPs at the left, the routes at the right."""
    left = heads(result, tints["head"], tints["mlp"])
    entries = [_entry(place, way) for place, way in enumerate(ways[:_LISTED])]
    while len(entries) > _LEAST and stack(entries).height > left.height:
        entries.pop()
    right = [_nothing(0.28), *entries, *_everything_else(result, len(entries) < len(ways))]

    def draw(page: Any, top: float) -> None:
        left.draw(page, top)
        if not entries:
            return
        ranked = by_contribution(result)
        caption = "by best path" if ranked is None or not ranked.families else "by contribution, estimated"
        heading(page, top - 0.1, "Routes", caption, _ROUTES)
        stack(right).draw(page, top)

    return Block(max(left.height, stack(right).height if entries else 0.0), draw)


def _entry(place: int, way: Way) -> Block:
    """One route: the words that it leads over and its number, and below them how."""
    x, room = _ROUTES + 0.2, WIDTH - MARGIN - _ROUTES - 0.2
    name = prose(way.name.replace("*", "∗"), 9, room - 0.7, x=x, weight="bold")
    how = prose(way.how.replace("*", "∗"), 8, room, x=x, color=MUTED)[:_LINES]

    def draw(page: Any, top: float) -> None:
        label(page, _ROUTES, top - 0.095, f"{place + 1}", 8, color=MUTED)
        label(page, WIDTH - MARGIN, top - 0.095, way.number, 9, weight="bold", ha="right")
        stack([*name[:_LINES], *how]).draw(page, top)

    return Block(stack([*name[:_LINES], *how]).height + 0.06, draw)


def _everything_else(result: Explanation, more: bool) -> list[Block]:
    """What the routes that are not shown contribute together, where all families are shown."""
    ranking = by_contribution(result)
    if more or ranking is None or not ranking.families:
        return []
    total = ranking.rest + math.fsum(route.contribution for route in ranking.routes)
    rest = total - math.fsum(family.contribution for family in ranking.families)

    def draw(page: Any, top: float) -> None:
        label(page, _ROUTES + 0.2, top - 0.1, "everything else", 8, color=MUTED)
        label(page, WIDTH - MARGIN, top - 0.1, brief(rest), 8, color=MUTED, ha="right")

    return [] if math.isnan(rest) else [Block(0.2, draw)]


def _title(title: str, caption: str) -> Block:
    return Block(0.24, lambda page, top: heading(page, top - 0.1, title, caption))


def _nothing(height: float) -> Block:
    return Block(height, lambda page, top: None)
