"""`explain`: one text, one score, all the paths behind it; how it runs is in `running`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from semiring_widgets.core.anatomy import Parts
from semiring_widgets.core.rules import Rule
from semiring_widgets.core.semirings import Semiring
from semiring_widgets.explanation.asker import Asker
from semiring_widgets.explanation.draft import Run
from semiring_widgets.question import ExplainOptions, Question, taken, with_arguments_of
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.vocabulary import RANKINGS

__all__ = ["explain", "explain_run"]


def explain(
    model: Any,
    tokenizer: Any,
    text: str | tuple[str, str] | Sequence[Mapping[str, str]],
    target: str | int | Sequence[int] | None = None,
    contrast: str | int | Sequence[int] | None = None,
    position: int | None = None,
    *,
    score: Callable[[Any], Tensor] | None = None,
    generate: int | None = None,
    piece: int | None = None,
    semiring: str | Semiring | None = None,
    granularity: str = "primitive",
    rules: str | Rule = "gradient",
    level: str = "unit",
    paths: int = 10,
    rankings: str | Sequence[str] = RANKINGS,
    reference: Any = None,
    max_memory: int | None = None,
    through: Parts = (),
    avoiding: Parts = (),
    leaving_skip: bool = False,
    add_special_tokens: bool = True,
) -> Explanation:
    """Explain one prediction: which parts it depends on, tested, and by which paths it is made.

    A masked model is asked at its mask token, a causal model for the token after the text, an
    encoder-decoder for the next decoder token, a classifier for a class, anything else through ``score``.

    Args:
        model: a transformers model in eval mode; it is not changed.
        tokenizer: its tokenizer.
        text: one text, a pair as ``(first, second)`` for a model that compares two, or a chat as
            ``[{"role": "user", "content": "..."}]``, which the tokenizer's chat template writes out.
        target: what is asked for, by default the model's own first choice: a word (the token that it is at
            this place, with or without a blank before it), or an id; its logit is the score. Of a causal
            model or an encoder-decoder also several words, or a list of ids: then the score is the
            log-probability of them all (nats), the sum over pieces, each given those before it. These pieces
            are read by the model, too, so that paths start there as well; the last one is not. Of a masked
            model several pieces stand in the place of the mask token, and the score is their
            pseudo-log-likelihood (Salazar et al., 2020): the sum over pieces, each asked for with the others
            in their places, but masks for those that come after it in its own word (Kauf and Ivanova, 2023),
            as these would give it away.
        contrast: what is subtracted: a token's logit, or the log-probability of another continuation, which
            may have another number of pieces. If one of the two is a continuation, both scores are
            log-probabilities.
        position: token whose logits are read, see above for the default.
        score: instead of a target, a function of the model's output, giving shape () or (B,).
        generate: instead of a target, so many pieces that the model itself would write, each the most
            probable one, up to the sign of the end.
        piece: of such a target, or of the model's own continuation, only this piece, counted from 0: the
            score is its log-probability given the text and the pieces before it; of a masked model, given
            the other pieces, as above.
        semiring: one more statistic of the paths, for every token, layer, branch and head: a name as in
            `semiring_widgets.backprop`, ``"hops"`` (attentions on the way, on average) or an object, your own
            too. A `Product` gives one statistic per factor.
        granularity: which graph is counted: ``"primitive"``, ``"operator"`` or ``"paper"``.
        rules: which number an edge of the graph carries, as in `semiring_widgets.backprop`; ``"secant"``
            compares with the question's ``reference``. What is tested does not depend on it.
        level: ``"unit"``: the best paths are scalar paths. ``"branch"``: the token maxima follow the rule of
            the published figures (Du et al., 2023); best paths through parts and routes stay at unit level
            and are left out.
        paths: how many routes to list in each ranking.
        rankings: by what routes are ranked, in this order: signed ``"contribution"`` (slope times input minus
            reference), ``"best"`` path (exact), and ``"mass"``. Each takes about as long as a sweep or two.
        reference: what stands in for a part to see what it does, one choice for the whole question:
            ``"mask"``, the mask token (the default where the tokenizer has one); ``"mean"``, the mean of the
            text's tokens (the default elsewhere); ``"zero"``; a second text, whose tokens stand in one by
            one, or word by word where it has not as many; or a tensor shaped as the embeddings. Effects are
            those of the whole model, whatever ``through`` says.
        max_memory: bytes that this may take beside the model; None for no limit. Where it is short, results
            and derivatives are dropped and computed again when they are needed, which takes longer.
        through: only paths through all of these parts, as ``{"layer": 3, "head": 2}``, see `Paths.through`.
            Everything but the score is then of these paths, what a click asks for, too.
        avoiding: only paths that touch none of these parts.
        leaving_skip: only paths that go through some attention or feed-forward part.
        add_special_tokens: whether the tokenizer adds its own (``[CLS]``, ``</s>``); False where the text
            brings its own. A causal model is asked before a ``</s>`` that the tokenizer adds.

    Returns:
        The `Explanation`; it displays itself in a notebook.

    Raises:
        InputError: text, target, position, score or model cannot be used as given, the model does not
            answer the same twice, or it has no such part.
        ModelError: the model's own code failed.
        MemoryLimitError: it would take more than ``max_memory``.
        UnsupportedOpError: an operator on a path has no rule.
        NonFiniteError: NaN or infinity in weights or derivatives.

    Example:
        >>> model, tokenizer = sw.load_demo()
        >>> e = explain(model, tokenizer, "The keys to the cabinet [MASK] on the table.", "are", "is")
        >>> e.score.label, round(e.score.value, 3)
        ('logit(are) - logit(is) at [MASK]', 8.045)
        >>> print(e.sentences[2].text)
        Head 0·3 writes *keys* onto *The*; head 3·3 carries it to the blank (+8.7 by this route alone).
        >>> explain(model, tokenizer, "The keys [MASK] here.", "are", through={"layer": 3, "head": 2}).paths
        'only paths through head 3·2'
    """
    question = Question(text, target, contrast, position, score, generate, piece, add_special_tokens)
    options = ExplainOptions(
        granularity,
        rules,
        level,
        max_memory,
        through,
        avoiding,
        leaving_skip,
        semiring=semiring,
        paths=paths,
        rankings=rankings,
        reference=reference,
    )
    return _run_of(model, tokenizer, question, options)(lambda _: None, lambda: None)


@with_arguments_of(lambda: explain, ExplainOptions)
def explain_run(model: Any, tokenizer: Any, *arguments: Any, **named: Any) -> Run:
    """`explain`, ready to be run by a worker.

    Args:
        model: as for `explain`, like all others.
        tokenizer: its tokenizer.
        *arguments: the text, and what else is given by place.
        **named: what is given by name.

    Returns:
        ``run(report, check)``: ``report`` gets a snapshot whenever something new is known, and ``check`` is
        called between any two operators; it raises to stop the run. Its ``asker`` asks again.

    Raises:
        InputError: an unknown level, semiring or ranking, or no routes asked for; the run checks the rest.
    """
    return _run_of(model, tokenizer, *taken(ExplainOptions, arguments, named))


def _run_of(model: Any, tokenizer: Any, question: Question, options: ExplainOptions) -> Run:
    return Asker(model, tokenizer, question, options).run()
