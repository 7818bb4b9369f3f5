"""Many questions asked of one model together: what every text says, as plain numbers.

One forward pass, one sweep a statistic and one batch of tests serve all texts of a batch. A text has the
numbers that `explain` gives of it alone, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from semiring_widgets.core import record
from semiring_widgets.core.anatomy import Anatomy
from semiring_widgets.core.effects import effect_rows
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.paths import Guide, Path, ground_of, walk
from semiring_widgets.core.semirings import Entropy, Max
from semiring_widgets.core.sweeps import INPUTS_ONLY, sweep_backward
from semiring_widgets.core.tape import Tape
from semiring_widgets.explanation.batch_calls import BatchCall
from semiring_widgets.explanation.class_flows import CLASS, ClassFlows, TokenClasses
from semiring_widgets.explanation.flowing import flow_of_batch
from semiring_widgets.explanation.names import Names
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.explanation.routing import attention_legs, listed_step
from semiring_widgets.explanation.same_pass import check_apart, check_same
from semiring_widgets.results.parts import Layer, Reference, Score, Totals
from semiring_widgets.vocabulary import BRANCHES, PART_KINDS

__all__ = ["CLASS", "PARTS", "BatchOptions", "Example", "explain_together"]

# The columns that say which part a row is about, and its numbers.
PARTS = (
    *("kind", "stream", "layer", "head", "branch", "token"),
    *("effect", "contribution", "mass_share", "best_share", "paths_contribution", "cancellation"),
    *("source_class", "target_class"),
)
_NUMBERS = PARTS[6:12]
# Ways by which paths leave the tokens that a head looks at.
_OF_KEYS = ("key", "value")
# Of the flow through a part, what the columns are called.
_OF_FLOW = {
    "mass_share": "mass_share",
    "best_share": "best_share",
    "contribution": "paths_contribution",
    "cancellation": "cancellation",
}


@dataclass(frozen=True)
class BatchOptions:
    """What is asked of every text.

    Attributes:
        granularity: which graph is counted.
        rules: which number an edge carries.
        tested: whether effects are measured; without, they are missing.
    """

    granularity: str = "primitive"
    rules: Any = "gradient"
    tested: bool = True


@dataclass(frozen=True, eq=False)
class Example:
    """What one text says.

    Attributes:
        score: what was asked, with its value.
        reference: what it was compared with.
        totals: of all its paths.
        best_path: the best single path by tokens and heads.
        parts: a row a part, with the columns `PARTS`: tokens, heads and feed-forward parts with effect and
            contribution; heads by operand and the branches of every layer with the share of the mass
            (0-1), the best path relative to the best of all (0-1), the signed sum of the paths through it
            and how much of these cancels; heads by operand from one class of tokens to another, where
            classes were given, with the share of the mass. What does not apply is missing.
    """

    score: Score
    reference: Reference
    totals: Totals
    best_path: str
    parts: pd.DataFrame


def explain_together(
    questions: Sequence[Prepared],
    references: Sequence[Any],
    options: BatchOptions,
    check: Callable[[], None] = lambda: None,
    classes: Sequence[TokenClasses] | None = None,
) -> list[Example]:
    """Ask several questions at once.

    Args:
        questions: prepared; of one model and tokenizer, see `batch_calls.batches_of`.
        references: for each what `references.check_reference` has passed.
        options: of all of them.
        check: called often; may raise to stop.
        classes: of every question's tokens, between which the flow is told; None for no such parts.

    Raises:
        InputError: a question whose score is another in a batch, or a model whose examples cannot be told
            apart; ask one by one.
        SemiringWidgetsError: as `explain`.
    """
    call = BatchCall(tuple(questions))
    with torch.no_grad():
        others = [one.refer(given) for one, given in zip(questions, references, strict=True)]
        reference = call.padded([other.inputs for other in others])
        under = call(*reference).tolist()
        inputs = call.inputs
        if len(questions) > 1:
            check_apart(questions[0].call.model, call, inputs, reference, max(one.scale for one in questions))
        with record(options.granularity, rules=options.rules, reference=reference) as tape:
            scores = call(*inputs)
        for one, score in zip(questions, scores, strict=True):
            check_same(one.call.model, one.score.value, score.reshape(1), one.scale, recorded=True)
        check()
        # The tests share this graph and its anatomy for as long as it is held.
        ground = ground_of(tape, scores, list(inputs), batched=True)
        graph, anatomy = ground.graph, ground.anatomy
        tables = _parts_of(tape, scores, inputs, reference, options, call, anatomy, check, classes)
        totals = _totals(graph, len(questions))
        best = _best_paths(graph, anatomy, questions)
    return [
        Example(one.score, other.told(value), replace(total, best_log_weight=weight), path, table)
        for one, other, value, total, (weight, path), table in zip(
            questions, others, under, totals, best, tables, strict=True
        )
    ]


def _totals(graph: GradientGraph, count: int) -> list[Totals]:
    """Mass and entropy of all paths of every text."""
    semiring = Entropy()
    found = sweep_backward(graph, semiring, INPUTS_ONLY)
    # Inputs are (examples, tokens, units).
    flat = [tuple(part.reshape(count, -1) for part in found[node]) for node in graph.wrt if node in found]
    joined = tuple(torch.cat(parts, 1) for parts in zip(*flat, strict=True))
    facts = semiring.facts(tuple(part.squeeze(1) for part in semiring.sum(joined, (1,))))
    return [
        Totals(log_mass=mass, entropy=entropy)
        for mass, entropy in zip(facts["log_mass"].tolist(), facts["entropy"].tolist(), strict=True)
    ]


def _best_paths(
    graph: GradientGraph, anatomy: Anatomy, questions: Sequence[Prepared]
) -> list[tuple[float, str]]:
    """Log |weight| of the best path of every text, and the path by tokens and heads."""
    ahead = {node: value[0] for node, value in sweep_backward(graph, Max()).items()}
    tops = []
    for number in range(len(questions)):
        begun = [
            (node, ahead[node].reshape(len(questions), -1)[number]) for node in graph.wrt if node in ahead
        ]
        node, values = max(begun, key=lambda each: float(each[1].max()))
        place = int(values.argmax())
        tops.append((float(values[place]), (node, number * len(values) + place)))
    walks = walk(Guide(graph, [ahead]), [start for _, start in tops])
    layers = tuple(Layer(a.module, a.index, a.stream, a.key_stream, a.heads) for a in anatomy.attentions)
    found = []
    for one, (weight, start), hops in zip(questions, tops, walks, strict=True):
        legs = attention_legs(Path(hops, graph.wrt, start, 0.0, anatomy))
        found.append((weight, Names(one.streams, layers).route([listed_step(leg) for leg in legs])))
    return found


def _parts_of(
    tape: Tape,
    scores: Tensor,
    inputs: Sequence[Tensor],
    reference: Sequence[Tensor],
    options: BatchOptions,
    call: BatchCall,
    anatomy: Anatomy,
    check: Callable[[], None],
    classes: Sequence[TokenClasses] | None,
) -> list[pd.DataFrame]:
    """The parts of every text."""
    rows = effect_rows(
        tape,
        scores,
        list(inputs),
        list(reference),
        kind=PART_KINDS,
        tested=options.tested,
        progress=lambda *_: check(),
    )
    replaced = pd.DataFrame(rows, columns=["example", *PARTS[:4], "token", "effect", "contribution"])
    directions = [own - other for own, other in zip(inputs, reference, strict=True)]
    between = ClassFlows(classes or ())
    flows = flow_of_batch(tape, scores, list(inputs), directions, between)
    tables = [replaced, _flows(flows, anatomy), between.table()]
    found = pd.concat(tables, ignore_index=True).reindex(columns=["example", *PARTS])
    kinds = {
        **dict.fromkeys(("stream", "layer", "head", "token"), "Int64"),
        **dict.fromkeys(_NUMBERS, "float64"),
        **dict.fromkeys(("branch", "source_class", "target_class"), "string"),
    }
    found = found.astype(kinds)
    tables = []
    for number in range(len(call.questions)):
        own = found[found["example"] == number].drop(columns="example")
        tables.append(own[_within(own, [each[number] for each in call.lengths])].reset_index(drop=True))
    return tables


def _within(rows: pd.DataFrame, lengths: Sequence[int]) -> pd.Series[bool]:
    """Which rows are no padding."""
    of = rows["stream"].map(dict(enumerate(lengths)))
    return rows["token"].isna() | (rows["token"] < of)


def _flows(flows: xr.Dataset, anatomy: Anatomy) -> pd.DataFrame:
    """Heads by operand, and the branches of every layer at every token."""
    found = []
    for part, kind in (("head", "kind"), ("branch", "branch")):
        names = {f"{part}_{name}": column for name, column in _OF_FLOW.items()}
        table = flows[[*names]].rename(names).to_dataframe().reset_index().dropna(subset=["mass_share"])
        # A head is of the stream that it writes to; what passes by its keys and values may be of another.
        of = {
            (each.index, way): each.key_stream if way in _OF_KEYS and part == "branch" else each.stream
            for each in anatomy.attentions
            for way in BRANCHES
        }
        streams = [of[place] for place in zip(table["layer"], table[kind], strict=True)]
        found.append(table.rename(columns={kind: "branch"}).assign(kind=part, stream=streams))
    return pd.concat(found, ignore_index=True)
