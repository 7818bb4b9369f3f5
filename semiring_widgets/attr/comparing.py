"""`compare`: attribution methods side by side, on one text and one score.

All methods get the same embeddings, the same reference and the same score; the semiring methods also share
one recording of the forward pass. A method that fails says so in its row and never breaks the table. The
table is published after every method, so that a widget can show it grow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.attr.agreement import rank_correlation, top_k_overlap
from semiring_widgets.attr.methods import Method, MethodLike, resolve
from semiring_widgets.attr.problem import Problem, ScoredModel, evaluating, seeded
from semiring_widgets.attr.semiring_choice import check_choices
from semiring_widgets.checks import truth, whole_number
from semiring_widgets.errors import CancelledError, sentence_of
from semiring_widgets.explanation.asking import check_question
from semiring_widgets.explanation.chosen_words import words_of
from semiring_widgets.explanation.scores import Prepared, prepare
from semiring_widgets.question import CompareOptions, Question, taken, with_arguments_of
from semiring_widgets.results.comparison import Comparison, MethodResult
from semiring_widgets.results.parts import Status

if TYPE_CHECKING:
    from torch import Tensor, nn

    from semiring_widgets.core.anatomy import Parts

__all__ = ["compare", "compare_run"]

Run = Callable[[Callable[[Comparison], None], Callable[[], None]], Comparison]
_Methods: TypeAlias = MethodLike | Sequence[MethodLike] | Mapping[str, MethodLike] | None

# GradientShap and its like draw random numbers. Each method starts from the same seed, so its numbers
# do not depend on which others are asked.
_SEED = 0


def compare(
    model: nn.Module,
    tokenizer: Any,
    text: str | tuple[str, str],
    target: str | int | None = None,
    contrast: str | int | None = None,
    position: int | None = None,
    *,
    score: Callable[[Any], Tensor] | None = None,
    methods: _Methods = None,
    granularity: str = "primitive",
    level: str = "unit",
    top_k: int = 3,
    max_memory: int | None = None,
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    add_special_tokens: bool = True,
) -> Comparison:
    """Ask several attribution methods which tokens made the score, and how far they agree.

    Captum's methods run on the input embeddings: `Saliency` gives the Euclidean norm of the gradient, the
    others signed numbers that are added over a token's units, perturbation methods one number per token.
    Baselines are the embeddings of the text with its words blanked. The path methods are the semiring
    values of all paths from the token to the score, see `semiring_widgets.attr.methods`.

    Args:
        model: a model of Hugging Face's transformers. It is run in eval mode and left as it was.
        tokenizer: its tokenizer.
        text: the text, or a pair.
        target: what the score asks for, as in `semiring_widgets.explain`.
        contrast: what the target is compared with.
        position: where the model is asked.
        score: a function of the model's output instead of a target.
        methods: names, Captum classes or instances, or functions, see
            `semiring_widgets.attr.methods.resolve`. None: a choice of Captum's and all path methods.
        granularity: which graph the path methods count.
        level: level of their maxima.
        top_k: how many tokens the overlap looks at.
        max_memory: bytes that the recording and a path method together may take beside the model; None for no
            limit. A method that would take more fails in its row. Captum's methods know no limit.
        through: the path methods count only paths through all of these parts, as in
            `semiring_widgets.explain`. Captum's methods and functions know no paths: they ask about
            all of the model, and their labels then say "all paths".
        avoiding: the path methods count only paths that touch none of these parts.
        leaving_skip: they count only paths that go through some attention or feed-forward part.
        add_special_tokens: whether the tokenizer adds its own (``[CLS]``, ``</s>``).

    Returns:
        The `Comparison`; it displays itself. Scores are NaN where a method failed. If the computation is
        interrupted, it holds what was done, and its status says ``"cancelled"``.

    Raises:
        InputError: an unknown method, target, granularity or level, `top_k` below 1, or no such part.

    Example:
        >>> text = "The keys to the cabinet [MASK] on the table."
        >>> c = compare(model, tokenizer, text, "are", "is", methods=["Saliency", "path max"])
        >>> [(method.family, method.name) for method in c.methods]
        [('captum', 'Saliency'), ('semiring', 'best path')]
        >>> c.dataset.scores.shape  # methods, tokens
        (2, 12)
    """
    question = Question(text, target, contrast, position, score, add_special_tokens)
    options = CompareOptions(
        granularity, level, max_memory, through, avoiding, leaving_skip, methods=methods, top_k=top_k
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
        ``run(report, check)``: computes the comparison, calls `report` with a snapshot at the start and
        after every method, and `check` before every run of the model; `check` raises to stop it.

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
    options = replace(
        options,
        top_k=whole_number(options.top_k, "top_k"),
        leaving_skip=truth(options.leaving_skip, "leaving_skip"),
    )

    def run(report: Callable[[Comparison], None], check: Callable[[], None]) -> Comparison:
        with evaluating(model):
            prepared = prepare(model, tokenizer, question)
            problem = Problem(
                ScoredModel(model, prepared.forward, check),
                prepared.inputs_embeds,
                prepared.baseline_embeds,
                options,
            )
            table = _Table(prepared, asked, options, words_of(problem.chosen(), prepared.streams))
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
    rows: list[MethodResult] = field(init=False)
    scores: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = [self._row(method) for method in self.methods]
        tokens = len(self.prepared.streams[0].tokens)
        self.scores = np.full((len(self.methods), tokens), np.nan)

    def fill(self, index: int, method: Method, problem: Problem) -> None:
        """Ask one method; its failure is its row's sentence."""
        start = time.perf_counter()
        label, error = method.name, None
        try:
            with seeded(_SEED):
                scores, remark = method.ask(problem)
            found = scores.detach().cpu().double().numpy()
            if not np.isfinite(found).all():
                error = f"{method.name} gave numbers that are NaN or infinite."
            else:
                self.scores[index] = found
                whole = "all paths" if self.paths and not method.of_some_paths else None
                remarks = ", ".join(filter(None, (remark, whole)))
                label = f"{method.name} ({remarks})" if remarks else method.name
        except CancelledError:
            raise
        except Exception as failure:  # noqa: BLE001  (a foreign method may fail in any way; the table stands)
            error = sentence_of(failure, method.name)
        seconds = time.perf_counter() - start
        self.rows[index] = replace(self._row(method), label=label, seconds=seconds, error=error)

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
        )
