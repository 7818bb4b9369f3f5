"""`compare`: attribution methods side by side, on one text and one score.

All methods get the same embeddings, the same reference and the same score; the semiring methods also share
one recording of the forward pass. First the effect of every token is tested, which is the yardstick; each
method is held against it as soon as it has answered. A method that fails says so in its row and never breaks
the table. The table is published after every method, so that a widget can show it grow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.attr.agreement import rank_correlation, top_k_overlap
from semiring_widgets.attr.methods import Method, MethodLike, resolve
from semiring_widgets.attr.problem import Problem, ScoredModel, evaluating, seeded
from semiring_widgets.attr.reference import reference_of
from semiring_widgets.attr.semiring_choice import check_choices
from semiring_widgets.attr.yardsticks import SEED, measured, sensitivity_of
from semiring_widgets.checks import choice, truth, whole_number
from semiring_widgets.core.rules import Rule, find_rule
from semiring_widgets.errors import CancelledError, InputError, sentence_of
from semiring_widgets.explanation.asking import check_question
from semiring_widgets.explanation.chosen_words import words_of
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.explanation.references import check_reference
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import CompareOptions, Question, taken, with_arguments_of
from semiring_widgets.results.comparison import TENTHS, Comparison, MethodResult, counted
from semiring_widgets.results.parts import Reference, Status
from semiring_widgets.vocabulary import METRICS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from semiring_widgets.core.anatomy import Parts

__all__ = ["compare", "compare_run"]

Run = Callable[[Callable[[Comparison], None], Callable[[], None]], Comparison]
_Methods: TypeAlias = MethodLike | Sequence[MethodLike] | Mapping[str, MethodLike] | None

# Sensitivity asks every method several times more.
_DEFAULT_METRICS = tuple(name for name in METRICS if name != "sensitivity")


def compare(
    model: nn.Module,
    tokenizer: Any,
    text: str | tuple[str, str] | Sequence[Mapping[str, str]],
    target: str | int | Sequence[int] | None = None,
    contrast: str | int | Sequence[int] | None = None,
    position: int | None = None,
    *,
    score: Callable[[Any], Tensor] | None = None,
    generate: int | None = None,
    piece: int | None = None,
    methods: _Methods = None,
    reference: Any = None,
    metrics: str | Sequence[str] | None = None,
    granularity: str = "primitive",
    rules: str | Rule = "gradient",
    level: str = "unit",
    top_k: int = 3,
    max_memory: int | None = None,
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    add_special_tokens: bool = True,
) -> Comparison:
    """Ask several attribution methods which tokens made the score; see who is right, and how far they agree.

    The yardstick is the tested effect of each token: the score minus the score with this token given the
    reference, in the untouched model. Each method is compared with it, see
    `semiring_widgets.attr.yardsticks`.

    Captum's methods run on the input embeddings: `Saliency` gives the Euclidean norm of the gradient, the
    others signed numbers that are added over a token's units, perturbation methods one number per token.
    Their baselines are the reference. The path methods are the semiring values of all paths from the token
    to the score, see `semiring_widgets.attr.methods`.

    Args:
        model: a model of Hugging Face's transformers. It is run in eval mode and left as it was.
        tokenizer: its tokenizer.
        text: the text, a pair, or a chat.
        target: what the score asks for, as in `semiring_widgets.explain`.
        contrast: what the target is compared with.
        position: where the model is asked.
        score: a function of the model's output instead of a target.
        generate: instead of a target, so many pieces of the model's own continuation.
        piece: of a target of several pieces only this one, as in `semiring_widgets.explain`.
        methods: names, Captum classes or instances, or functions, see
            `semiring_widgets.attr.methods.resolve`. None: tested effects, contributions, and a choice of
            Captum's and path methods.
        reference: what a token is given, as in `semiring_widgets.explain`: ``"mask"`` (for every
            word; special tokens stay), ``"mean"``, ``"zero"``, a second text, or embeddings, shape
            (1, tokens, units). None: ``"mask"`` where there is a mask token, else ``"mean"``.
        metrics: which yardsticks: ``"effect_correlation"``, ``"comprehensiveness"``, ``"sufficiency"``,
            ``"infidelity"``, ``"sensitivity"``; none for ``()``. None: all but sensitivity, which asks every
            method three times more.
        granularity: which graph the path methods count.
        rules: which number its edges carry, as in `semiring_widgets.backprop`; ``"secant"`` compares with the
            reference.
        level: level of their maxima.
        top_k: how many tokens the overlap looks at.
        max_memory: bytes that the recording and a path method together may take beside the model; None for no
            limit. A method that would take more fails in its row. Captum's methods and tested effects know no
            limit.
        through: the path methods count only paths through all of these parts, as in
            `semiring_widgets.explain`. Captum's methods and functions know no paths: they ask about
            all of the model, and their labels then say "all paths".
        avoiding: the path methods count only paths that touch none of these parts.
        leaving_skip: they count only paths that go through some attention or feed-forward part.
        add_special_tokens: whether the tokenizer adds its own (``[CLS]``, ``</s>``).

    Returns:
        The `Comparison`; it displays itself. Scores are NaN where a method failed. Yardsticks are of the
        words; special tokens are neither replaced nor ranked. If the computation is
        interrupted, it holds what was done, and its status says ``"cancelled"``.

    Raises:
        InputError: an unknown method, metric, target, granularity or level, a reference that does not fit,
            `top_k` below 1, or no such part.

    Example:
        >>> text = "The keys to the cabinet [MASK] on the table."
        >>> c = compare(model, tokenizer, text, "are", "is", methods=["Saliency", "path max"])
        >>> [(method.family, method.name) for method in c.methods]
        [('captum', 'Saliency'), ('semiring', 'best path')]
        >>> c.dataset.scores.shape  # methods, tokens
        (2, 12)
        >>> c.reference.label
        '[MASK] in the place of every token, special tokens kept'
        >>> c.tokens[int(c.dataset.token_effect.values.argmax())].text
        'keys'
    """
    question = Question(text, target, contrast, position, score, generate, piece, add_special_tokens)
    options = CompareOptions(
        *(granularity, rules, level, max_memory, through, avoiding, leaving_skip),
        methods=methods,
        reference=reference,
        metrics=metrics,
        top_k=top_k,
    )
    run = _run_of(model, tokenizer, question, options)
    seen: list[Comparison] = []
    try:
        return run(seen.append, lambda: None)
    except KeyboardInterrupt:
        if not seen:
            raise
        status = seen[-1].status
        message = f"cancelled after {status.done} of {status.total} methods"
        return replace(seen[-1], status=replace(status, state="cancelled", message=message))


@with_arguments_of(lambda: compare, CompareOptions)
def compare_run(model: Any, tokenizer: Any, *arguments: Any, **named: Any) -> Run:
    """`compare`, ready to be run by a worker.

    Args:
        model: as for `compare`, like all others.
        tokenizer: its tokenizer.
        *arguments: the text, and what else is given by place.
        **named: what is given by name.

    Returns:
        ``run(report, check)``: computes the comparison, calls `report` with a snapshot once effects are
        tested and after every method, and `check` before every run of the model; `check` raises to stop it.

    Raises:
        InputError: see `compare`.

    Example:
        >>> run = compare_run(model, tokenizer, "The keys [MASK] here.", "are", methods="Saliency")
        >>> run(lambda snapshot: print(snapshot.status.message), lambda: None)
        Saliency (0 of 1)
        1 of 1 methods
        Comparison(logit(are) at [MASK] = 12.99, 7 tokens, 1 methods: Saliency)
    """
    return _run_of(model, tokenizer, *taken(CompareOptions, arguments, named))


def _run_of(model: nn.Module, tokenizer: Any, question: Question, options: CompareOptions) -> Run:
    check_question(model, tokenizer, question)
    asked = resolve(options.methods)
    check_choices(granularity=options.granularity, level=options.level)
    find_rule(options.rules)
    check_reference(options.reference)
    options = replace(
        options,
        top_k=whole_number(options.top_k, "top_k"),
        leaving_skip=truth(options.leaving_skip, "leaving_skip"),
        metrics=_metrics(options.metrics),
    )

    def run(report: Callable[[Comparison], None], check: Callable[[], None]) -> Comparison:
        with evaluating(model):
            prepared = prepare(model, tokenizer, question)
            if prepared.halves:
                raise InputError(
                    "The difference of two continuations, and several pieces of a masked model, are read "
                    "from several texts at once, which no method of compare takes; leave contrast= out, or "
                    "ask for one piece, or use sw.explain."
                )
            forward = ScoredModel(model, prepared.forward, check)
            reference, embeds = reference_of(prepared, options.reference, forward)
            problem = Problem(forward, prepared.inputs_embeds, embeds, options)
            paths = words_of(problem.chosen(), prepared.streams)
            table = _Table(prepared, asked, options, paths, reference, problem.replacing.effects)
            report(table.snapshot(0))
            for index, method in enumerate(asked):
                check()
                table.fill(index, method, problem)
                snapshot = table.snapshot(index + 1)
                if index + 1 < len(asked):
                    report(snapshot)
        report(snapshot)
        return snapshot

    return run


@dataclass
class _Table:
    """The rows so far."""

    prepared: Prepared
    methods: tuple[Method, ...]
    options: CompareOptions
    paths: str
    reference: Reference
    effects: NDArray[np.float64]
    rows: list[MethodResult] = field(init=False)
    scores: NDArray[np.float64] = field(init=False)
    curves: dict[str, NDArray[np.float64]] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = [self._row(method) for method in self.methods]
        tokens = len(self.prepared.streams[0].tokens)
        self.scores = np.full((len(self.methods), tokens), np.nan)
        self.curves = {
            name: np.full((len(self.methods), TENTHS + 1), np.nan)
            for name in ("comprehensiveness", "sufficiency")
        }

    def fill(self, index: int, method: Method, problem: Problem) -> None:
        """Ask one method; its failure is its row's sentence."""
        start = time.perf_counter()
        label, error = method.name, None
        try:
            with seeded(SEED):
                scores, remark = method.ask(problem)
            found = scores.detach().cpu().double().numpy()
            if not np.isfinite(found).all():
                error = f"{method.name} gave numbers that are NaN or infinite."
            else:
                self.scores[index] = found
                whole = "all paths" if self.paths and not method.of_some_paths else None
                # A method with rules of its own says so in its name.
                common = method.of_some_paths and method.rules is None
                rule = find_rule(self.options.rules).name if common else "gradient"
                weighed = None if rule == "gradient" else f"rules {rule}"
                remarks = ", ".join(filter(None, (remark, weighed, whole)))
                label = f"{method.name} ({remarks})" if remarks else method.name
        except CancelledError:
            raise
        except Exception as failure:  # noqa: BLE001  (a foreign method may fail in any way; the table stands)
            error = sentence_of(failure, method.name)
        seconds = time.perf_counter() - start
        self.rows[index] = replace(self._row(method), label=label, seconds=seconds, error=error)
        if error is None:
            self._hold(index, method, problem)

    def _hold(self, index: int, method: Method, problem: Problem) -> None:
        """Hold the scores of one method against the tested effects."""
        metrics: Collection[str] = self.options.metrics
        scores, words = self.scores[index], counted(self.prepared.streams[0].tokens)
        found = measured(scores, method.by_size, words, problem.replacing, metrics)
        for name, curve in found.curves.items():
            self.curves[name][index] = curve
        numbers: dict[str, Any] = dict(found.numbers)
        if "sensitivity" in metrics:
            numbers["sensitivity"] = _sensitivity(scores, method, problem)
        self.rows[index] = replace(self.rows[index], **numbers)

    def snapshot(self, done: int) -> Comparison:
        """The table as it is now; later rows do not write into it."""
        total = len(self.methods)
        finished = done == total
        message = (
            f"{done} of {total} methods" if finished else f"{self.methods[done].name} ({done} of {total})"
        )
        names = ("method", "other")
        dataset = xr.Dataset(
            {
                "scores": (("method", "token"), self.scores.astype(np.float32)),
                "rank_correlation": (names, rank_correlation(self.scores).astype(np.float32)),
                "top_k_overlap": (names, top_k_overlap(self.scores, self.options.top_k).astype(np.float32)),
                "token_effect": (("token",), self.effects.astype(np.float32)),
                **{
                    name: (("method", "fraction"), curves.astype(np.float32))
                    for name, curves in self.curves.items()
                },
            }
        )
        return Comparison(
            text=self.prepared.text,
            model=self.prepared.model_name,
            score=self.prepared.score,
            streams=self.prepared.streams,
            methods=tuple(self.rows),
            dataset=dataset,
            top_k=self.options.top_k,
            status=Status("done" if finished else "running", done, total, message),
            paths=self.paths,
            reference=self.reference,
        )

    def _row(self, method: Method) -> MethodResult:
        paths = method.counts_paths
        return MethodResult(
            name=method.name,
            family=method.family,
            label=method.name,
            seconds=0.0,
            signed=method.signed,
            granularity=(method.granularity or self.options.granularity) if paths else None,
            level=(method.level or self.options.level) if paths else None,
            ranked_by_size=method.by_size,
        )


def _sensitivity(scores: NDArray[np.float64], method: Method, problem: Problem) -> float | None:
    """None where the method answers for the text and fails beside it."""
    try:
        return sensitivity_of(scores, lambda moved: method.ask(moved)[0], problem)
    except CancelledError:
        raise
    except Exception:  # noqa: BLE001  (as for the method itself)
        return None


def _metrics(given: Any) -> tuple[str, ...]:
    if given is None:
        return _DEFAULT_METRICS
    several = [given] if isinstance(given, str) or not isinstance(given, (list, tuple)) else given
    return tuple(choice(one, "metrics", METRICS) for one in several)
