"""The forms of a widget's output that others than the widget's own view can show."""

from __future__ import annotations

import base64
from typing import Any, Final

from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results.result import Result

__all__ = ["data_of", "png_of", "wanted", "with_picture"]

_VIEW: Final = "application/vnd.jupyter.widget-view+json"


def with_picture(bundle: Any, result: Result | None) -> Any:
    """Mark a widget's MIME bundle as ours, and add text and picture of its result.

    Args:
        bundle: what the widget's base class gave: a dict, a tuple of data and metadata, or None.
        result: what the widget shows, if anything is known; a running one has no picture yet.
    """
    if bundle is None:
        return bundle
    data = data_of(bundle)
    if _VIEW in data:
        data[_VIEW] = {**data[_VIEW], "semiring_widgets": True}
    if result is not None:
        data["text/plain"] = plain(result)
        if result.status.state != "running":
            data["image/png"] = png_of(result)
    return (data, *bundle[1:]) if isinstance(bundle, tuple) else data


def data_of(bundle: Any) -> dict[str, Any]:
    """The MIME forms of a bundle, which may be a dict, a tuple of data and metadata, or None."""
    if bundle is None:
        return {}
    return dict(bundle[0] if isinstance(bundle, tuple) else bundle)


def wanted(data: dict[str, Any], include: Any, exclude: Any) -> dict[str, Any]:
    """The forms that were asked for.

    Args:
        data: forms by MIME type.
        include: types wanted, None for all.
        exclude: types not wanted.
    """
    return {
        kind: form
        for kind, form in data.items()
        if (not include or kind in include) and not (exclude and kind in exclude)
    }


def png_of(result: Result) -> str:
    """The picture of a result, in base64."""
    from semiring_widgets.pictures.card import picture

    return base64.b64encode(picture(result)).decode("ascii")
