"""What every method says of the edges and parts of some sentences; circuits are found on their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame
from transformers import GPT2LMHeadModel

import semiring_widgets as sw
from examples.studies.circuits.cases import Question
from examples.studies.circuits.rankings import AVERAGED, CONTRIBUTION, METHODS, aligned, fixed_order, of_parts
from examples.studies.circuits.textbook import attribution_patching, published_shares

Numbers = NDArray[np.float64]
TEXTBOOK = "EAP-IG by autograd, as published"
TESTED = "tested effect"
FIXED, RANDOM = "fixed order", "random"
RANDOM_DRAWS = 5
KINDS = ["heads", "mlps"]


@dataclass(frozen=True, eq=False)
class Found:
    """What was found on some sentences.

    Attributes:
        rows: the edges, or the parts, in the order of `semiring_widgets.circuit_curve`.
        numbers: by method, what it says of them in each sentence, (sentences, rows).
    """

    rows: DataFrame
    numbers: Mapping[str, Numbers]

    def rankings(self) -> dict[str, list[Numbers]]:
        """By method, the numbers that circuits are made by; several where they are drawn."""
        count = len(self.rows)
        draws = [np.random.default_rng(seed).random(count) for seed in range(RANDOM_DRAWS)]
        return {
            **{name: [own.mean(0)] for name, own in self.numbers.items()},
            FIXED: [fixed_order(self.rows)],
            RANDOM: draws,
        }


def found_on(questions: Sequence[Question]) -> tuple[Found, Found]:
    """Edges and parts.

    Args:
        questions: sentences for one model.
    """
    edges: dict[str, list[Numbers]] = {}
    parts: dict[str, list[Numbers]] = {}
    edge_rows, part_rows = DataFrame(), DataFrame()
    for question in questions:
        for method in METHODS:
            own = method.edges(question)
            edge_rows = own if method is CONTRIBUTION else aligned(own, edge_rows)
            part_rows = of_parts(edge_rows, method)
            edges.setdefault(method.name, []).append(edge_rows["number"].to_numpy(dtype=float))
            parts.setdefault(method.name, []).append(part_rows["number"].to_numpy(dtype=float))
        if isinstance(question.model, GPT2LMHeadModel):
            edges.setdefault(TEXTBOOK, []).append(_textbook(question, question.model, edge_rows))
        tape, score = question.record()
        tested = sw.effects(tape, score, question.x, reference=question.reference, kind=KINDS)
        parts.setdefault(TESTED, []).append(tested["effect"].to_numpy(dtype=float))
    return (
        Found(edge_rows, {name: np.stack(rows) for name, rows in edges.items()}),
        Found(part_rows, {name: np.stack(rows) for name, rows in parts.items()}),
    )


def _textbook(question: Question, model: GPT2LMHeadModel, edges: DataFrame) -> Numbers:
    shares = published_shares(AVERAGED.steps or 1)
    found = attribution_patching(model, question.x, question.reference, question.score_of, shares)
    ends = zip(
        edges["source"], edges["target"], edges["branch"].where(edges["branch"].notna(), ""), strict=True
    )
    return np.array([float(found[source, target, branch or None]) for source, target, branch in ends])
