"""How a result displays itself: a widget where there is a kernel, a picture everywhere else.

A saved notebook keeps all forms of an output, and each reader takes the richest it can show: JupyterLab
with a kernel the widget, GitHub, nbconvert and Lab without a kernel the PNG (SVG is not shown in untrusted
notebooks, and HTML would be preferred to the widget in some), a terminal the text. Lab with another kernel
than the one that made the widget would show an error: there js/labextension puts the PNG in its place, for
the outputs that are marked here as ours.
"""

from __future__ import annotations

import weakref
from typing import Any

from semiring_widgets.errors import InputError, MissingBundleError
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results.holding import keep_newest, sessions_of
from semiring_widgets.results.result import Result
from semiring_widgets.widgets.beside_widget import BesideWidget
from semiring_widgets.widgets.comparison_widget import ComparisonWidget
from semiring_widgets.widgets.explanation_widget import ExplanationWidget
from semiring_widgets.widgets.mime import data_of, png_of, wanted
from semiring_widgets.widgets.overlay_widget import ImageComparisonWidget, OverlayWidget
from semiring_widgets.widgets.result_widget import ResultWidget

__all__ = ["in_terminal", "mimebundle", "widget_of"]

# A widget holds its result, so an id stays taken while its widget lives. Showing a result twice gives two
# views of one widget: a notebook stores the JavaScript once per widget.
_KINDS: tuple[type[ResultWidget[Any]], ...] = (
    *(ExplanationWidget, ComparisonWidget, BesideWidget),
    *(OverlayWidget, ImageComparisonWidget),
)
_widgets: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def mimebundle(result: Result, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """All forms of a result, for ``_repr_mimebundle_``.

    Args:
        result: what to show.
        include: MIME types wanted, None for all.
        exclude: MIME types not wanted.

    Returns:
        The widget's view, ``image/png`` (base64) and ``text/plain``; in a terminal the text only. Without
        the JavaScript bundle the text says what to do.
    """
    data: dict[str, Any] = {"text/plain": plain(result)}
    keep_newest(*sessions_of(result))
    if in_terminal():
        pass
    elif _kind_of(result) is None:
        data["image/png"] = png_of(result)
    else:
        try:
            shown = widget_of(result)._repr_mimebundle_()
            data = {**data_of(shown), **data}
        except MissingBundleError as error:
            data["text/plain"] += f"\n{error}"
            data["image/png"] = png_of(result)
    return wanted(data, include, exclude)


def widget_of(result: Result) -> ResultWidget[Any]:
    """The widget that shows this result; the same one as long as it is open.

    Raises:
        MissingBundleError: the JavaScript was not built.
        InputError: no widget shows results of this kind.
    """
    widget: ResultWidget[Any] | None = _widgets.get(id(result))
    if widget is not None and widget.result is result and widget.comm is not None:
        return widget
    kind = _kind_of(result)
    if kind is None:
        raise InputError(f"A {type(result).__name__} has no widget; print it, or write its page or picture.")
    made = kind(result)
    _widgets[id(result)] = made
    return made


def _kind_of(result: Result) -> type[ResultWidget[Any]] | None:
    """The class of the widgets that show results of this kind, if there is one."""
    return next((kind for kind in _KINDS if isinstance(result, kind.shows)), None)


def in_terminal() -> bool:
    """Whether this is IPython in a terminal, which shows text only."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and not hasattr(shell, "kernel")
