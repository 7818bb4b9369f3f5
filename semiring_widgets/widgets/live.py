"""`explain` and `compare` as live widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.question import CompareOptions, ExplainOptions, with_arguments_of
from semiring_widgets.widgets.comparison_widget import ComparisonWidget
from semiring_widgets.widgets.explanation_widget import ExplanationWidget

if TYPE_CHECKING:
    from semiring_widgets import attr, explanation

__all__ = ["compare", "explain"]


@with_arguments_of(lambda: explanation.explain, ExplainOptions)
def explain(model: Any, tokenizer: Any, text: Any, *arguments: Any, **named: Any) -> ExplanationWidget:
    """Explain a prediction in a widget that fills up layer by layer.

    Args:
        model: as in `semiring_widgets.explain`, like all others.
        tokenizer: its tokenizer.
        text: the text, or a pair.
        *arguments: target, contrast and position, as in `semiring_widgets.explain`.
        **named: what is given by name there.

    Returns:
        The widget, at once. ``widget.result`` is the `Explanation` as far as it is known, ``widget.wait()``
        waits for the end, ``await widget.arun()`` does so while clicks are answered. A computation whose
        output was shown and is cleared, or whose notebook is closed, is cancelled.

    Raises:
        InputError: an argument that can be refused before the computation starts; later errors are shown
            in the widget and raised by ``wait``.
        MissingBundleError: the JavaScript was not built.

    Example:
        >>> widget = explain(model, tokenizer, "The keys to the cabinet [MASK] on the table.", "are", "is")
        >>> widget.wait()
        Explanation(logit(are) - logit(is) at [MASK] = 8.045, 12 tokens, 4 layers, ...)
        >>> widget.selection = [{"layer": 3, "head": 1}, {"token": 2}]  # paths from a word through a head
        >>> widget.close()
    """
    from semiring_widgets.explanation import explain_run  # loads torch

    read_bundle()  # no work is started for a widget that cannot be shown
    run = explain_run(model, tokenizer, text, *arguments, **named)
    asker = getattr(run, "asker", None)
    return ExplanationWidget(ExplanationJob(run), text=_shown(text), model=type(model).__name__, asker=asker)


@with_arguments_of(lambda: attr.compare, CompareOptions)
def compare(model: Any, tokenizer: Any, text: Any, *arguments: Any, **named: Any) -> ComparisonWidget:
    """Compare attribution methods in a widget that fills up method by method.

    Args:
        model: as in `semiring_widgets.compare`, like all others.
        tokenizer: its tokenizer.
        text: the text, or a pair.
        *arguments: target, contrast and position, as in `semiring_widgets.compare`.
        **named: what is given by name there.

    Returns:
        The widget, at once; see `explain`.

    Raises:
        InputError: an unknown method, granularity or level.
        MissingBundleError: the JavaScript was not built.

    Example:
        >>> widget = compare(model, tokenizer, "The keys [MASK] here.", "are", methods=["Saliency"])
        >>> widget.wait().status.message
        '1 of 1 methods'
        >>> widget.close()
    """
    from semiring_widgets.attr import compare_run  # loads torch and captum

    read_bundle()
    job = ExplanationJob(compare_run(model, tokenizer, text, *arguments, **named))
    return ComparisonWidget(job, text=_shown(text), model=type(model).__name__)


def _shown(text: str | tuple[str, str]) -> str:
    """The text, or both of a pair; the computation says what else cannot be used."""
    return "\n".join(map(str, text)) if isinstance(text, tuple) else text
