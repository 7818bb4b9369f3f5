"""What each method says of the edges of one sentence, and what it says of parts.

All are columns of `semiring_widgets.edges`. A part's number is that of all its edges together: every path
through a part leaves it along exactly one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

import semiring_widgets as sw
from examples.studies.circuits.cases import Question

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Method:
    """How edges are ranked.

    Attributes:
        name: what it is called in tables.
        rules: which number an edge of the graph carries.
        steps: how many points between counterfactual and sentence it is averaged over; None for the sentence.
        semiring: what is asked; ``"sum"`` is the contribution.
    """

    name: str
    rules: str = "gradient"
    steps: int | None = None
    semiring: str = "sum"

    def edges(self, question: Question) -> DataFrame:
        """The edges of a sentence, with the columns of `semiring_widgets.edges` and their ``number``.

        Contributions are in logits. Mass and best path are shares of this sentence's largest edge, as they
        are many orders of magnitude apart from sentence to sentence.
        """
        tape, score = question.record()
        if self.semiring == "sum":
            found = sw.edges(
                tape, score, question.x, reference=question.reference, rules=self.rules, steps=self.steps
            )
            return found.assign(number=found["contribution"])
        found = sw.edges(tape, score, question.x, semiring=self.semiring, rules=self.rules)
        logs = found["log_mass" if self.semiring == "abs" else "log_weight"]
        return found.assign(number=np.exp(logs - logs.max()))

    @property
    def joined(self) -> str:
        """How the edges of a part make its number."""
        return "max" if self.semiring == "max" else "sum"


CONTRIBUTION = Method("contribution (= EAP)")
AVERAGED = Method("contribution, 5 steps (= EAP-IG)", steps=5)
METHODS = (
    CONTRIBUTION,
    AVERAGED,
    Method("contribution, linear", rules="linear"),
    Method("contribution, secant", rules="secant"),
    Method("contribution, gim", rules="gim"),
    Method("mass", semiring="abs"),
    Method("best path", semiring="max"),
)


def aligned(edges: DataFrame, every: DataFrame) -> DataFrame:
    """The same numbers with a row for every edge: 0 where a rule has none.

    Where attention weights are constant, nothing passes queries and keys.

    Args:
        edges: by some rule.
        every: by the gradient, which has all edges.
    """
    ends = ["source", "target", "branch"]
    numbers = every[ends].merge(edges[[*ends, "number"]], on=ends, how="left")["number"].fillna(0.0)
    return every.assign(number=numbers.to_numpy(dtype=float))


def of_parts(edges: DataFrame, method: Method) -> DataFrame:
    """Heads and feed-forward parts with their ``number``, in the order of circuits of parts."""
    own = edges[edges["source_kind"] != "input"]
    places = ["source_kind", "source_layer", "source_head"]
    found = own.groupby(places, dropna=False, sort=False)["number"].agg(method.joined).reset_index()
    found = found.rename(columns={"source_kind": "kind", "source_layer": "layer", "source_head": "head"})
    # Heads of all layers first, then feed-forward parts.
    return found.sort_values(["kind", "layer", "head"], ignore_index=True)


def fixed_order(edges: DataFrame) -> Numbers:
    """A ranking that has seen no sentence: later targets first, the score before all, then later sources.

    Args:
        edges: with the columns of `semiring_widgets.edges`; or parts, as `of_parts` has them.
    """
    begin = _depth(edges, "source_" if "target" in edges else "")
    end = _depth(edges, "target_") if "target" in edges else begin
    return 100 * end + begin


def _depth(rows: DataFrame, end: str) -> Numbers:
    """How far up ends lie: 1, 2, ... for an attention and its feed-forward part; inputs 0, the score last."""
    kind, layer = rows[end + "kind"], rows[end + "layer"].astype(float)
    depth = 2 * layer + 1 + (kind == "mlp")
    none = np.where(kind == "input", 0.0, 99.0)
    return np.where(layer.notna(), depth, none)
