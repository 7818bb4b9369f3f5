"""One file that shows a result in any browser: no kernel, no network, from a folder or an e-mail.

The page holds the widgets' JavaScript bundle, the summary and the answers to what a reader may click on, all
packed. The bundle finds them by itself and runs the same view as in a notebook. Until then, and where
JavaScript is off, the page shows the static picture.

Nothing in a user's text can leave its place: packed, it is letters and digits, and elsewhere it is escaped.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from semiring_widgets._version import __version__
from semiring_widgets.checks import shown
from semiring_widgets.contract import messages
from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.contract.table import BothRequest, ChartRequest, ConditionRequest, Page
from semiring_widgets.errors import InputError
from semiring_widgets.export.answers_ahead import Ahead, answers_ahead
from semiring_widgets.export.both_ahead import both_ahead
from semiring_widgets.export.clicks import name_of
from semiring_widgets.export.packing import packed_answers
from semiring_widgets.pictures.chart import bokeh_version, bokehjs, chart_item
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results.atomic import check_writable, destination_of, write_whole
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.two_sides import SideBySide

if TYPE_CHECKING:
    from semiring_widgets.results.explanation import Explanation

__all__ = [
    "as_base64",
    "assembled",
    "packed_bokehjs",
    "packed_bundle",
    "packed_payload",
    "page",
    "renumbered",
    "write_page",
]

_SMALL: Final = 985_000  # bytes of a page for 6 layers of 32 tokens
_LARGE: Final = 3_000_000
_PER_CELL: Final = _SMALL // (6 * 32)


def write_page(
    result: Explanation | Comparison | SideBySide,
    path: str | os.PathLike[str],
    *,
    chart: bool = True,
    answers: int | None = None,
) -> Path:
    """Write one self-contained interactive page.

    Args:
        result: an explanation, a comparison, or two explanations side by side.
        path: destination; an existing file is replaced, as a whole.
        chart: also embed the Bokeh chart and BokehJS (about 0.5 MB more).
        answers: how many words, heads, layers, cells and MLPs can be clicked, those with the most mass first,
            and after them pairs; None for as many as take a few seconds: of a small model all, and 200 pairs.

    Returns:
        The path written.

    Raises:
        MissingBundleError: the JavaScript was not built.
        InputError: the folder does not exist or cannot be written.
    """
    if not isinstance(chart, (bool, np.bool_)):
        raise InputError(f"chart is {shown(chart)}; give True or False.")
    check_writable(path)
    write_whole(path, page(result, chart=chart, answers=answers).encode())
    return destination_of(path)


def page(
    result: Explanation | Comparison | SideBySide, *, chart: bool = True, answers: int | None = None
) -> str:
    """The page as text; see `write_page`.

    Args:
        result: see there.
        chart: see there.
        answers: see there.
    """
    from semiring_widgets.pictures.card import picture  # imports matplotlib

    bundle = packed_bundle()
    image = picture(result)
    header, buffer = messages.encode(result, revision=1)
    ahead = Ahead({}, {}, [])
    alone = packed_payload(Page(summary=header, buffer=as_base64(buffer), tests=[], held={}))
    fixed = len(bundle) + len(as_base64(image)) + len(alone)
    bokeh = ""
    if isinstance(result, SideBySide):
        both = both_ahead(result, _LARGE - fixed, answers)
        ahead.answers[BothRequest.type] = [message for _, message in both]
        # What can be clicked is what there is an answer of, for both.
        ahead.held[ConditionRequest.type] = [name_of(part) for part, _ in both]
    elif not isinstance(result, Comparison):
        cells = len(result.layers) * max(len(stream.tokens) for stream in result.streams)
        charted = chart and len(result.layers) > 0
        bokeh = packed_bokehjs() if charted else ""
        room = min(_LARGE, max(_SMALL, _PER_CELL * cells)) - fixed - len(bokeh)
        ahead = answers_ahead(result, room, answers)
        if charted:
            ahead.answers[ChartRequest.type] = [_chart(result)]
            ahead.held[ChartRequest.type] = [""]
    content = Page(summary=header, buffer=as_base64(buffer), tests=list(ahead.tests), held=ahead.held)
    title = f"{header['score']['label']}: {header['text'][:80]}"
    return assembled(content, title, plain(result), image, bundle, ahead.answers, bokeh)


def assembled(
    content: Page,
    title: str,
    plain: str,
    picture: bytes,
    bundle: str,
    answers: Mapping[str, Sequence[messages.Message]],
    bokeh: str = "",
) -> str:
    """The text of a page.

    Args:
        content: what it begins with.
        title: of the page, as text.
        plain: what is shown, as text.
        picture: the same as PNG, which is shown until the view is there.
        bundle: what `packed_bundle` gives.
        answers: messages by the type of their request.
        bokeh: what `packed_bokehjs` gives, where there are charts.
    """
    parts = {
        "version": __version__,
        "title": html.escape(messages.sendable(title)),
        "plain": html.escape(messages.sendable(plain)),
        "picture": as_base64(picture),
        "payload": packed_payload(content),
        "answers": as_base64(packed_answers(answers)),
        "bokehjs": bokeh,
        "bundle": bundle,
    }
    text = resources.files("semiring_widgets.export").joinpath("page.html").read_text("utf-8")
    # Only the template is searched for places to fill: a text of the user's may look like one.
    first, *pieces = text.split("{{")
    told = [first]
    for piece in pieces:
        name, rest = piece.split("}}", 1)
        told += [parts[name], rest]
    return "".join(told)


def packed_payload(content: Page) -> str:
    """The summary and what the page knows without unpacking its answers, as a base64 element.

    Args:
        content: JSON types without NaN.
    """
    text = json.dumps(asdict(content), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return _packed("payload", text.encode())


def _chart(result: Explanation) -> messages.Message:
    items = (renumbered(chart_item(result, dark=dark), {}) for dark in (False, True))
    return messages.chart(0, (), *items)


def packed_bundle() -> str:
    """The widgets' bundle as a base64 element.

    Raises:
        MissingBundleError: it was not built.
    """
    return _packed("bundle", read_bundle().encode())


def packed_bokehjs() -> str:
    """BokehJS as a base64 element."""
    return "\n" + _packed("bokehjs", bokehjs(), f' data-version="{html.escape(bokeh_version())}"')


def _packed(name: str, data: bytes, attributes: str = "") -> str:
    packed = gzip.compress(data, mtime=0)  # without the time, so that a page is the same on every run
    return (
        f'<script type="text/plain" data-semiring-widgets="{name}" data-encoding="gzip"{attributes}>'
        f"{as_base64(packed)}</script>"
    )


def renumbered(item: Any, names: dict[str, str]) -> Any:
    """A chart with its models counted from 1; Bokeh counts on from chart to chart, whatever is in them.

    Args:
        item: JSON.
        names: new names by old ones, as far as met.
    """
    if isinstance(item, list):
        return [renumbered(part, names) for part in item]
    if not isinstance(item, dict):
        return item
    return {
        key: names.setdefault(part, f"p{len(names) + 1}")
        if key in {"id", "root_id"} and isinstance(part, str)
        else renumbered(part, names)
        for key, part in item.items()
    }


def as_base64(data: bytes) -> str:
    """Bytes as a page holds them.

    >>> as_base64(b"keys")
    'a2V5cw=='
    """
    return base64.b64encode(data).decode("ascii")
