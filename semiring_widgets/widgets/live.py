"""`explain` and `compare` as live widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.results.schema import RANKINGS
from semiring_widgets.widgets.comparison_widget import ComparisonWidget
from semiring_widgets.widgets.explanation_widget import ExplanationWidget

__all__ = ["compare", "explain"]


def explain(
    model: Any,
    tokenizer: Any,
    text: str | tuple[str, str],
    target: str | int | None = None,
    contrast: str | int | None = None,
    position: int | None = None,
    *,
    score: Callable[[Any], Any] | None = None,
    semiring: Any = None,
    granularity: str = "primitive",
    level: str = "unit",
    paths: int = 10,
    rankings: str | Sequence[str] = RANKINGS,
    max_memory: int | None = None,
    add_special_tokens: bool = True,
) -> ExplanationWidget:
    """Explain a prediction in a widget that fills up layer by layer.

    Args:
        model: a model of Hugging Face's transformers.
        tokenizer: its tokenizer.
        text: the text, or a pair.
        target: the answer to explain, as in `semiring_widgets.explain`; None for the model's own.
        contrast: the answer to compare with: the score is logit(target) - logit(contrast).
        position: where the model is asked; None for the mask token or the end.
        score: a function of the model's output instead of a target.
        semiring: one more statistic of the paths, as in `semiring_widgets.explain`.
        granularity: which graph is counted: ``"primitive"``, ``"operator"`` or ``"paper"``.
        level: level of the maxima: ``"unit"`` or ``"branch"``.
        paths: how many routes to list in each ranking.
        rankings: by what routes are ranked, as in `semiring_widgets.explain`; others on demand.
        max_memory: bytes that this may take beside the model; None for no limit.
        add_special_tokens: whether the tokenizer adds its own (``[CLS]``, ``</s>``).

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
    from semiring_widgets.explanation import explain_run

    read_bundle()  # no work is started for a widget that cannot be shown
    run = explain_run(
        model,
        tokenizer,
        text,
        target,
        contrast,
        position,
        score=score,
        semiring=semiring,
        granularity=granularity,
        level=level,
        paths=paths,
        rankings=rankings,
        max_memory=max_memory,
        add_special_tokens=add_special_tokens,
    )
    return ExplanationWidget(ExplanationJob(run), text=_shown(text), model=type(model).__name__)


def compare(
    model: Any,
    tokenizer: Any,
    text: str | tuple[str, str],
    target: str | int | None = None,
    contrast: str | int | None = None,
    position: int | None = None,
    *,
    score: Callable[[Any], Any] | None = None,
    methods: Any = None,
    granularity: str = "primitive",
    level: str = "unit",
    top_k: int = 3,
    max_memory: int | None = None,
    add_special_tokens: bool = True,
) -> ComparisonWidget:
    """Compare attribution methods in a widget that fills up method by method.

    Args:
        model: as in `explain`, like all up to ``score``.
        tokenizer: see there.
        text: see there.
        target: see there.
        contrast: see there.
        position: see there.
        score: see there.
        methods: names, Captum classes or instances, or functions, as in `semiring_widgets.compare`.
        granularity: which graph the path methods count.
        level: level of their maxima.
        top_k: how many tokens the overlap looks at.
        max_memory: bytes that the path methods may take beside the model; None for no limit.
        add_special_tokens: whether the tokenizer adds its own (``[CLS]``, ``</s>``).

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
    from semiring_widgets.attr import compare_run

    read_bundle()
    run = compare_run(
        model,
        tokenizer,
        text,
        target,
        contrast,
        position,
        score=score,
        methods=methods,
        granularity=granularity,
        level=level,
        top_k=top_k,
        max_memory=max_memory,
        add_special_tokens=add_special_tokens,
    )
    return ComparisonWidget(ExplanationJob(run), text=_shown(text), model=type(model).__name__)


def _shown(text: str | tuple[str, str]) -> str:
    """The text, or both of a pair; the computation says what else cannot be used."""
    return "\n".join(map(str, text)) if isinstance(text, tuple) else text
