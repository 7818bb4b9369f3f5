"""The graph that a question is about: between some inputs and a score, weighed by a rule.

The rule is the question's own, or else the tape's. Where it compares with a reference, the recorded operators
are run again with the reference in the place of the inputs, so the model need not be recorded twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.replay import Program, run
from semiring_widgets.core.replay.inputs import Reference, inputs_of
from semiring_widgets.core.rules import RULES, Gradient, Rule, find_rule
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError, NonFiniteError, UnsupportedOpError

__all__ = ["Reference", "Rules", "key_of", "rule_for", "weighed_graph"]

Rules = str | Rule | None


def rule_for(tape: Tape, rules: Rules) -> Rule:
    """The rule of a question: its own, or else the tape's.

    Raises:
        InputError: there is no such rule, or the tape's granularity is one that rules know nothing of.
    """
    rule = find_rule(tape.rules if rules is None else rules)
    if not isinstance(rule, Gradient) and tape.granularity != "primitive":
        raise InputError(
            f"rules={rule.name!r} says what the steps of softmax and norms carry, and at granularity "
            f'{tape.granularity!r} these are other steps. Record with granularity="primitive".'
        )
    return rule


def weighed_graph(
    tape: Tape,
    score: Node,
    starts: Sequence[Node],
    rules: Rules = None,
    reference: Reference | None = None,
    *,
    room: int | None = None,
) -> GradientGraph:
    """The graph between inputs and a score, by a rule.

    Args:
        tape: the finished tape.
        score: its node.
        starts: the nodes of the inputs.
        rules: a rule or its name; None for the tape's.
        reference: other inputs, as `inputs_of` takes them; None for the tape's.
        room: see `GradientGraph`.

    Raises:
        InputError: no such rule; one that needs a reference and has none, or one that does not fit.
        UnsupportedOpError: under the reference the model goes another way.
        NonFiniteError: under the reference the score is no number.
    """
    rule = rule_for(tape, rules)
    if not rule.needs_reference:
        return GradientGraph(tape, score, starts, room=room, rule=rule)
    given = tape.reference if reference is None else reference
    if given is None:
        raise InputError(
            f"rules={rule.name!r} compares with a reference, and there is none. Give reference=, other "
            f'inputs shaped as wrt, or "zero" or "mean": here, or in sw.record.'
        )
    plain = GradientGraph(tape, score, starts)
    values = _values_under(plain, rule, inputs_of(starts, given))
    return GradientGraph(tape, score, starts, room=room, rule=rule, reference_values=values)


def _values_under(graph: GradientGraph, rule: Rule, inputs: Mapping[Node, Tensor]) -> dict[Node, Tensor]:
    """Numbers of all tensors that operators on paths take, under the reference, where they are others.

    The shift of a softmax stays the one that was recorded: it is no path, and any gives the same weights.
    """
    program = Program(graph.tape, graph.score)
    shifts = {node: node.value for node in program.shifts}
    taken = {slot for step in program.steps if step.op in graph for slot in step.takes}
    try:
        found = run(program, {**shifts, **inputs}, keep=taken)
    except UnsupportedOpError as error:
        raise UnsupportedOpError(
            f"rules={rule.name!r} needs the model to take the same steps under the reference. {error} Or "
            f"take another reference, or other rules."
        ) from error
    if not bool(found[program.score].isfinite().all()):
        raise NonFiniteError(
            f"Under the reference the score is {float(found[program.score].sum())}, so there are no finite "
            f"differences for rules={rule.name!r}. Where a softmax has logits far from those in the text, "
            f"their exponentials do not fit {program.score.dtype}: record in float64, or take a nearer "
            f"reference."
        )
    for step in program.steps:
        if step.op not in graph:
            continue
        for slot in step.takes:
            if slot in graph.nodes or slot not in found or slot in shifts:
                continue
            if not torch.equal(found[slot], program.recorded(slot)):
                raise UnsupportedOpError(
                    f"{step.op.where} takes something that depends on the inputs by no path (an index, a "
                    f"mask, or what torch.no_grad or detach cut), and it is another one under the reference, "
                    f"so paths could not sum to the difference of the scores. Take another reference, or "
                    f"other rules than {rule.name!r}."
                )
    return {slot: value for slot, value in found.items() if isinstance(slot, Node) and slot in graph.nodes}


def key_of(tape: Tape, rules: Rules, reference: Reference | None) -> tuple[Any, ...] | None:
    """What is the same for graphs that are weighed alike; None where that is not known.

    A user's rule may compute something else from one question to the next, and a reference be overwritten.
    """
    rule = rule_for(tape, rules)
    if RULES.get(rule.name) is not rule:
        return None
    if not rule.needs_reference or reference is None or isinstance(reference, str):
        return rule.name, reference if rule.needs_reference else None
    return None
