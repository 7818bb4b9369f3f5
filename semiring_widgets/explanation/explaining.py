"""`explain`: one text, one score, all the paths behind it.

The steps, each of which reports what it found as soon as it is known: record the forward pass; one backward
sweep for gradient, mass and entropy per token; one for the best paths; one forward sweep, layer by layer, for
the flow through every part; the best routes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semiring_widgets.checks import truth, whole_number
from semiring_widgets.core import record
from semiring_widgets.core.anatomy import Anatomy, Attention, Parts, layer_flow, sweep_layers
from semiring_widgets.core.graph import GradientGraph, told_cut
from semiring_widgets.core.paths import Paths, narrowed
from semiring_widgets.core.paths import paths as all_paths
from semiring_widgets.core.rules import Rule, find_rule
from semiring_widgets.core.semirings import Abs, Max, Semiring, Value, find_semiring
from semiring_widgets.core.sweeps import Span, sweep_backward
from semiring_widgets.core.tape import Node
from semiring_widgets.core.tape.host_copy import bring_to_host, is_quicker_on_host
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.asking import check_question
from semiring_widgets.explanation.best_of_tokens import branch_best, signed_best
from semiring_widgets.explanation.chosen_words import words_of
from semiring_widgets.explanation.draft import Check, Draft, Report, Run
from semiring_widgets.explanation.effect_numbers import REFUSALS, Recording, correlations_of, tell_effects
from semiring_widgets.explanation.failures import named_failure
from semiring_widgets.explanation.flow_cells import FLOW, fill_layer, sizes_of
from semiring_widgets.explanation.piece_numbers import tell_pieces
from semiring_widgets.explanation.planning import fitted, sweeps_of
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.explanation.references import Referenced, check_reference
from semiring_widgets.explanation.routing import RouteTeller, check_rankings
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.explanation.session import LiveSession
from semiring_widgets.explanation.some_paths import tell_some
from semiring_widgets.explanation.statistics import Asked, check_asked
from semiring_widgets.explanation.statistics import question as statistic_asked
from semiring_widgets.explanation.token_numbers import SUMS, tell_best, tell_sums
from semiring_widgets.question import ExplainOptions, Question, taken, with_arguments_of
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.holding import HeldSession
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import Layer
from semiring_widgets.results.schema import empty_dataset
from semiring_widgets.vocabulary import RANKED_BY, RANKINGS

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
    """By which paths does a model make its prediction?

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
            are read by the model, too, so that paths start there as well; the last one is not.
        contrast: what is subtracted: a token's logit, or the log-probability of another continuation, which
            may have another number of pieces. If one of the two is a continuation, both scores are
            log-probabilities.
        position: token whose logits are read, see above for the default.
        score: instead of a target, a function of the model's output, giving shape () or (B,).
        generate: instead of a target, so many pieces of the model's own continuation, always the most
            probable next one, up to the sign of the end.
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
    question = Question(text, target, contrast, position, score, generate, add_special_tokens)
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
        called between any two operators; it raises to stop the run.

    Raises:
        InputError: an unknown level, semiring or ranking, or no routes asked for; the run checks the rest.
    """
    return _run_of(model, tokenizer, *taken(ExplainOptions, arguments, named))


def _run_of(model: Any, tokenizer: Any, question: Question, options: ExplainOptions) -> Run:
    check_question(model, tokenizer, question)
    find_semiring("max", options.level)
    check_asked(options.semiring, options.level)
    find_rule(options.rules)
    check_reference(options.reference)
    options = replace(
        options,
        rankings=check_rankings(options.rankings),
        paths=whole_number(options.paths, "paths"),
        leaving_skip=truth(options.leaving_skip, "leaving_skip"),
    )

    def run(report: Report, check: Check) -> Explanation:
        started = time.perf_counter()
        prepared = prepare(model, tokenizer, question)
        draft = Draft(prepared, options, started, report, check)
        with torch.no_grad(), named_failure(prepared.model_name, "was run with the reference"):
            other = prepared.refer(options.reference)
            draft.reference = other.told(float(prepared.run(*other.inputs)))
        draft.publish("recording the forward pass")
        return _explained(draft, other)

    return run


def _explained(draft: Draft, other: Referenced) -> Explanation:
    prepared, options = draft.prepared, draft.options
    with torch.no_grad():
        with (
            record(
                options.granularity,
                rules=options.rules,
                reference=other.inputs,
                max_memory=options.max_memory,
            ) as tape,
            named_failure(prepared.model_name, "was recorded"),
        ):
            score = prepared.run(*prepared.inputs)
        prepared.check(score)
        if is_quicker_on_host(tape):
            bring_to_host(tape)
        inputs = list(prepared.inputs)
        everything = all_paths(tape, score, inputs)
        graph, anatomy = everything.graph, everything.anatomy
        if not anatomy.attentions:
            raise InputError(
                f"{told_cut(graph)}No attention was found in {prepared.model_name} between the tokens and "
                f"the score, and explain() shows layers and heads of attention. For other models use "
                f"sw.record with sw.backprop or sw.top_paths."
            )
        few = narrowed(everything, options.through, options.avoiding, options.leaving_skip)
        few.algebra("max", options.level)
        draft.paths = words_of(few, prepared.streams)
        extra = options.semiring
        asking = None if extra is None else statistic_asked(few, extra, options.level)
        also = () if asking is None else (asking.semiring,)
        limit, left = fitted(graph, options.max_memory, *sweeps_of(graph, anatomy.nodes(), also))
        few = replace(few, limit=limit, asked_by="explain") if few.narrowed else few
        draft.layers = tuple(
            Layer(a.module, a.index, a.stream, a.key_stream, a.heads) for a in anatomy.attentions
        )
        tokens = max(len(stream.tokens) for stream in prepared.streams)
        decoder = len(prepared.streams) > 1
        draft.dataset = empty_dataset(*sizes_of(anatomy, tokens), maps=False, decoder=decoder)
        recording = Recording(tape, score, prepared.inputs, other, prepared.run, prepared.refer, limit)
        _effects(recording, draft)
        if prepared.score.continuation is not None:
            tell_pieces(draft, options.reference)
        draft.total = (3 if asking is None else 5) * len(graph.ops)
        top = tell_some(few, draft) if few.narrowed else _every_path(few, draft)
        if asking is not None:
            _ask(asking, draft)
        log_mass = -math.inf if draft.totals.log_mass is None else draft.totals.log_mass
        teller = RouteTeller(prepared.streams, draft.layers, log_mass, top, _blank(prepared))
        session = LiveSession(few, recording, teller, asking, left)
        draft.session = HeldSession(session)
        if options.level == "unit" and teller.log_mass > -math.inf:
            for by in options.rankings:
                draft.publish(f"routes by {RANKED_BY[by]}")
                draft.rankings += (session.ranking(by, {}, options.paths, draft.check),)
                if by == "contribution":
                    draft.route = _main_route(session, draft)
                    draft.answer()
    return draft.finished()


def _effects(recording: Recording, draft: Draft) -> None:
    """What every part does, and the answer as far as that goes."""
    draft.publish("testing tokens, heads and feed-forward parts")
    draft.untested = tell_effects(recording, draft.dataset, draft.check)
    draft.correlations = correlations_of(draft.dataset)
    draft.answer()
    draft.publish("the answer")


def _main_route(session: LiveSession, draft: Draft) -> Test | None:
    """The test of the family of routes that contributes most, of those that pass a head; None if it fails."""
    families = draft.rankings[-1].families
    steps = next((family.steps for family in families if family.steps), ())
    try:
        return session.test((), steps, check=draft.check) if steps else None
    except (InputError, *REFUSALS):
        return None


def _blank(prepared: Prepared) -> int | None:
    """The mask token that is asked for, if one is."""
    position = prepared.score.position
    if prepared.family != "masked" or position is None:
        return None
    asked = prepared.streams[-1].tokens[position].id
    return position if asked == getattr(prepared.call.source.tokenizer, "mask_token_id", None) else None


def _every_path(paths: Paths, draft: Draft) -> float:
    """Numbers of tokens and layers; gives log |weight| of the best path."""
    graph, anatomy = paths.graph, paths.anatomy
    draft.publish("mass and entropy")
    mass = _masses(graph, anatomy, draft)
    draft.publish("best paths")
    best = _best(graph, draft)
    draft.publish("flow")
    beta = {n: FLOW.join({Abs: (mass[n],), Max: (best[n],)}) for n in mass if n in best}
    paths.ground.learn(FLOW, _flows(graph, anatomy, beta, draft), beta)
    return max((float(best[node].max()) for node in graph.wrt if node in best), default=-math.inf)


def _masses(graph: GradientGraph, anatomy: Anatomy, draft: Draft) -> dict[Node, Tensor]:
    """Gradient, mass and entropy; gives log-mass cotangents at the anatomy and the inputs."""
    semiring = SUMS
    values = sweep_backward(
        graph, semiring, Span(keep=anatomy.nodes()), progress=lambda done, _: draft.progress(done)
    )
    tell_sums(graph, values, draft)
    return {node: semiring.part(value, Abs)[0] for node, value in values.items()}


def _best(graph: GradientGraph, draft: Draft) -> dict[Node, Tensor]:
    """Best path per token with its sign; gives `Max` cotangents at all nodes."""
    offset = len(graph.ops)
    values = sweep_backward(graph, Max(), progress=lambda done, _: draft.progress(offset + done))
    best = {node: value[0] for node, value in values.items()}
    read = signed_best if draft.options.level == "unit" else branch_best
    tell_best(graph, {node: read(graph, best, node) for node in graph.wrt}, draft)
    return best


def _flows(
    graph: GradientGraph, anatomy: Anatomy, beta: Mapping[Node, Value], draft: Draft
) -> dict[Node, Value]:
    """Tangents, and with them the flow through each layer as soon as all of it is known."""
    offset = 2 * len(graph.ops)
    log_mass = draft.totals.log_mass if draft.totals.log_mass is not None else float("-inf")

    def fill(attention: Attention, alpha: Mapping[Node, Value]) -> None:
        fill_layer(draft.dataset, attention, layer_flow(graph, FLOW, attention, [(alpha, beta)]), log_mass)
        if draft.options.level == "branch":
            for what in ("node", "branch", "head"):
                draft.dataset[f"{what}_best_log_weight"].values[attention.index] = np.nan
        draft.publish(f"layer {attention.index + 1} of {len(anatomy.attentions)}")

    return sweep_layers(
        graph,
        FLOW,
        anatomy,
        fill,
        keep=anatomy.nodes() | set(graph.wrt),
        progress=lambda done, _: draft.progress(offset + done),
    )


def _ask(asked: Asked, draft: Draft) -> None:
    """The statistic of the reader's choice: first of the tokens, then of every part."""
    offsets = [number * len(asked.paths.graph.ops) for number in (3, 4)]
    draft.publish("the semiring asked for")
    asked.sweep(lambda done, _: draft.progress(offsets[0] + done))
    draft.statistics = asked.statistics
    sizes = (draft.dataset.sizes[axis] for axis in ("layer", "head", "token"))
    draft.dataset = draft.dataset.merge(asked.table(*sizes))
    draft.publish(", ".join(statistic.name for statistic in asked.statistics))
    asked.flows(draft.dataset, lambda done, _: draft.progress(offsets[1] + done))
