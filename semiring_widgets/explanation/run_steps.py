"""How `explain` runs: each step tells what it found as soon as it is known, and is made anew only if it must.

The steps: call the model; record the forward pass; test the parts; one backward sweep for gradient, mass and
entropy per token; one for the best paths; one forward sweep, layer by layer, for the flow through every part;
the best routes; of a continuation what each token does to each piece. What an earlier question has made
already is in `Made`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from semiring_widgets.checks import truth, whole_number
from semiring_widgets.core import record
from semiring_widgets.core.graph import told_cut
from semiring_widgets.core.paths import Paths, narrowed
from semiring_widgets.core.paths import paths as all_paths
from semiring_widgets.core.rules import find_rule
from semiring_widgets.core.semirings import find_semiring
from semiring_widgets.core.tape import Tape
from semiring_widgets.core.tape.host_copy import bring_to_host, is_quicker_on_host
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.asking import check_question
from semiring_widgets.explanation.chosen_words import words_of
from semiring_widgets.explanation.draft import Check, Draft, Report, Run
from semiring_widgets.explanation.effect_numbers import REFUSALS, Recording, correlations_of, tell_effects
from semiring_widgets.explanation.every_path import every_path
from semiring_widgets.explanation.failures import named_failure
from semiring_widgets.explanation.flow_cells import sizes_of
from semiring_widgets.explanation.made import Made, weights_of
from semiring_widgets.explanation.piece_numbers import tell_pieces
from semiring_widgets.explanation.planning import check_brought, fitted, sweeps_of
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.explanation.references import Referenced, check_reference
from semiring_widgets.explanation.routing import RouteTeller, check_rankings
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.explanation.session import LiveSession
from semiring_widgets.explanation.some_paths import tell_some
from semiring_widgets.explanation.statistics import Asked, check_asked
from semiring_widgets.explanation.statistics import question as statistic_asked
from semiring_widgets.question import ExplainOptions, Question
from semiring_widgets.results.asked_arguments import arguments_of
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.holding import Asks, HeldSession
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import Layer
from semiring_widgets.results.schema import (
    EFFECTS,
    PIECES,
    PIECES_OF_DECODER,
    STATISTICS,
    empty_dataset,
)
from semiring_widgets.vocabulary import RANKED_BY

__all__ = ["run_of"]


def run_of(
    model: Any,
    tokenizer: Any,
    question: Question,
    options: ExplainOptions,
    asker: Asks | None = None,
    before: LiveSession | None = None,
) -> Run:
    """A question, checked as far as it can be without computing, and ready to be run.

    Args:
        model: as for `explain`.
        tokenizer: as for `explain`.
        question: what is asked of the model.
        options: what is asked of the paths.
        asker: asks the model once more, for the session.
        before: of an earlier question to the same model and tokenizer; what it has made is made use of.

    Raises:
        InputError: anything of this that can be refused now.
    """
    check_question(model, tokenizer, question)
    find_semiring("max", options.level)
    check_asked(options.semiring, options.level)
    find_rule(options.rules)
    check_reference(options.reference)
    arguments = arguments_of(question, options)
    options = replace(
        options,
        rankings=check_rankings(options.rankings),
        paths=whole_number(options.paths, "paths"),
        leaving_skip=truth(options.leaving_skip, "leaving_skip"),
    )

    def run(report: Report, check: Check) -> Explanation:
        started = time.perf_counter()
        check_brought(model, options.max_memory)
        made = None if before is None else before.made
        kept = made if made is not None and made.prepares(model, question, options) else None
        weights = weights_of(model)
        prepared = prepare(model, tokenizer, question) if kept is None else kept.prepared
        draft = Draft(prepared, options, started, report, check, arguments)
        if kept is not None and kept.compares(options):
            other, draft.reference = kept.other, kept.reference
        else:
            with torch.no_grad(), named_failure(prepared.model_name, "was run with the reference"):
                other = prepared.refer(options.reference)
                draft.reference = other.told(float(prepared.run(*other.inputs)))
        draft.publish("recording the forward pass")
        # Who clicks on what was asked before waits: both use one recording.
        with nullcontext() if kept is None or before is None else before.lock:
            session, stages = _explained(draft, other, kept, before)
        session.made = Made(question, options, weights, prepared, other, draft.reference, **stages)
        draft.session = HeldSession(session, asker)
        _rank(session, draft, kept)
        session.made = replace(session.made, rankings=draft.rankings)
        # Last, as every piece takes a sweep: who has read enough cancels, and keeps all before it.
        if prepared.score.continuation is not None:
            _pieces(draft, kept, None if session.memory is None else int(session.memory))
            session.made = replace(session.made, dataset=draft.dataset)
        return draft.finished()

    return run


def _explained(
    draft: Draft, other: Referenced, kept: Made | None, before: LiveSession | None
) -> tuple[LiveSession, dict[str, Any]]:
    """All but the routes; gives what answers further questions, and what it is made of."""
    prepared, options = draft.prepared, draft.options
    recorded = kept if kept is not None and kept.records(options) else None
    swept = kept if kept is not None and kept.sweeps(options) else None
    with torch.no_grad():
        if recorded is None:
            tape, score, everything = _recorded(draft, other)
        else:
            tape, score, everything = recorded.tape, recorded.score, recorded.everything
        graph, anatomy = everything.graph, everything.anatomy
        few = (
            narrowed(everything, options.through, options.avoiding, options.leaving_skip)
            if swept is None
            else swept.few
        )
        few.algebra("max", options.level)
        draft.paths = words_of(few, prepared.streams)
        extra = options.semiring
        asking = None if extra is None else statistic_asked(few, extra, options.level)
        if kept is not None and asking is not None and kept.asks(options):
            asking = kept.asking
        also = () if asking is None else (asking.semiring,)
        limit, left = fitted(graph, options.max_memory, *sweeps_of(graph, anatomy.nodes(), also))
        if swept is None and few.narrowed:
            few = replace(few, limit=limit, asked_by="explain")
        draft.layers = tuple(
            Layer(a.module, a.index, a.stream, a.key_stream, a.heads) for a in anatomy.attentions
        )
        tokens = max(len(stream.tokens) for stream in prepared.streams)
        decoder = len(prepared.streams) > 1
        draft.dataset = empty_dataset(*sizes_of(anatomy, tokens), maps=False, decoder=decoder)
        if swept is not None:
            draft.totals = swept.totals
            _fill(draft.dataset, swept.dataset, [n for n in draft.dataset if n not in EFFECTS])
        recording = Recording(tape, score, prepared.inputs, other, prepared.run, prepared.refer, limit)
        _effects(recording, draft, kept)
        draft.total = (3 if asking is None else 5) * len(graph.ops)
        if swept is not None:
            top = swept.top
        else:
            top = tell_some(few, draft) if few.narrowed else every_path(few, draft)
        if asking is not None and kept is not None and asking is kept.asking:
            draft.statistics = kept.statistics
            draft.dataset = draft.dataset.merge(
                kept.dataset[[name for name in STATISTICS if name in kept.dataset]]
            )
        elif asking is not None:
            _ask(asking, draft)
        log_mass = -math.inf if draft.totals.log_mass is None else draft.totals.log_mass
        teller = RouteTeller(prepared.streams, draft.layers, log_mass, top, _blank(prepared))
        session = LiveSession(few, recording, teller, asking, left)
        if recorded is not None and before is not None:
            session.lock = before.lock
    stages = {
        "tape": tape,
        "score": score,
        "everything": everything,
        "few": few,
        "top": top,
        "dataset": draft.dataset,
        "totals": draft.totals,
        "untested": draft.untested,
        "correlations": draft.correlations,
        "asking": asking,
        "statistics": draft.statistics,
        "rankings": (),
    }
    return session, stages


def _recorded(draft: Draft, other: Referenced) -> tuple[Tape, Tensor, Paths]:
    """The forward pass, its score, and all paths to it."""
    prepared, options = draft.prepared, draft.options
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
    everything = all_paths(tape, score, list(prepared.inputs))
    if not everything.anatomy.attentions:
        raise InputError(
            f"{told_cut(everything.graph)}No attention was found in {prepared.model_name} between the tokens "
            f"and the score, and explain() shows layers and heads of attention. For other models use "
            f"sw.record with sw.backprop or sw.top_paths."
        )
    return tape, score, everything


def _rank(session: LiveSession, draft: Draft, kept: Made | None) -> None:
    """The routes, and what the answer tells of them."""
    options = draft.options
    if options.level != "unit" or session.teller.log_mass == -math.inf:
        return
    for by in options.rankings:
        draft.publish(f"routes by {RANKED_BY[by]}")
        known = None if kept is None else kept.ranking(by, options)
        draft.rankings += (session.ranking(by, {}, options.paths, draft.check) if known is None else known,)
        if by == "contribution":
            draft.route = _main_route(session, draft)
            draft.answer()


def _fill(dataset: xr.Dataset, known: xr.Dataset, names: Sequence[Any]) -> None:
    """Numbers that are known from before."""
    for name in names:
        dataset[name].values[...] = known[name].values


def _effects(recording: Recording, draft: Draft, kept: Made | None) -> None:
    """What every part does, and the answer as far as that goes."""
    same = kept is not None and kept.compares(draft.options)
    if kept is not None and same and kept.records(draft.options):
        _fill(draft.dataset, kept.dataset, [name for name in draft.dataset if name in EFFECTS])
        draft.untested, draft.correlations = kept.untested, kept.correlations
    else:
        draft.publish("testing tokens, heads and feed-forward parts")
        # Tests are of the model: they do not depend on what an edge carries.
        tested = kept is not None and same and not kept.untested
        if kept is not None and tested:
            _fill(draft.dataset, kept.dataset, [n for n in draft.dataset if str(n).endswith("_effect")])
        draft.untested = tell_effects(recording, draft.dataset, draft.check, tested=tested)
        draft.correlations = correlations_of(draft.dataset)
    draft.answer()
    draft.publish("the answer")


def _pieces(draft: Draft, kept: Made | None, left: int | None) -> None:
    """What each token does to each piece of a continuation, within so many bytes."""
    same = kept is not None and kept.compares(draft.options) and kept.records(draft.options)
    if kept is not None and same and "piece_effect" in kept.dataset:
        known = [name for name in (*PIECES, *PIECES_OF_DECODER) if name in kept.dataset]
        draft.dataset = draft.dataset.merge(kept.dataset[known])
        return
    with torch.no_grad():
        tell_pieces(draft, draft.options.reference, left)


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
