"""What is asked after a click, beside the full sweeps that it is asked of; a model of BERT-base shape.

"flow" is the flow of the paths through a head or a token in every other part of the model (mass and best
path), as a multiple of the two sweeps that give the flow of all paths. The others are sets of paths, while
another set of the same tape is held: their values at the inputs, their mass and their best path, as multiples
of one backward sweep: of the entropy, of which the mass is a part, and of the maximum.
"""

from __future__ import annotations

import argparse
import statistics

import torch
from transformers import BertConfig, BertForMaskedLM

import semiring_widgets as sw
from semiring_widgets.core.anatomy import Selection, condition, cut_of, find_anatomy
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.sweeps import Span, sweep_backward, sweep_forward
from semiring_widgets.explanation.flow_cells import FLOW
from tests.benchmarks.measuring import Report, interleaved

PARTS = [{"layer": 1, "head": 3}, {"layer": 6, "head": 3}, {"layer": 6, "token": 3}, {"layer": 10, "head": 3}]


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, nargs="+", default=[32, 128])
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    report = Report("clicks")
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(vocab_size=30522)).eval().requires_grad_(False)
    for tokens in chosen.tokens:
        with sw.record() as tape:
            x = torch.randn(1, tokens, model.config.hidden_size)
            logits = model(inputs_embeds=x).logits[0, tokens // 2]
            score = logits[2024] - logits[2003]
        report.add(
            tokens=str(tokens),
            **_flows(tape, score, x, chosen.rounds),
            **_sets(tape, score, x, chosen.rounds),
        )
    print(report.write())


def _flows(tape: sw.Tape, score: torch.Tensor, x: torch.Tensor, rounds: int) -> dict[str, float]:
    node, starts = find_nodes(tape, score, x)
    graph = GradientGraph(tape, node, starts)
    anatomy = find_anatomy(graph)
    nodes = anatomy.nodes() | set(graph.wrt)
    span = Span(keep=nodes)
    alpha, beta = sweep_forward(graph, FLOW, span), sweep_backward(graph, FLOW, span)

    def both() -> None:
        sweep_backward(graph, FLOW, span)
        sweep_forward(graph, FLOW, span)

    cuts = [cut_of(graph, anatomy, Selection(**part)) for part in PARTS]
    cases = {
        str(number): lambda cut=cut: condition(graph, FLOW, cut, alpha, beta, keep=nodes)
        for number, cut in enumerate(cuts)
    }
    taken = interleaved({"both": both, **cases}, rounds)
    unit = taken.pop("both")
    return {"both_ms": unit * 1e3, "flow": statistics.mean(taken.values()) / unit}


def _sets(tape: sw.Tape, score: torch.Tensor, x: torch.Tensor, rounds: int) -> dict[str, float]:
    held = sw.select_paths(tape, score, x)
    held.log_mass, held.log_weight  # noqa: B018
    cases: dict[str, object] = {
        name: lambda name=name: sw.backprop(tape, score, wrt=x, semiring=name) for name in ("entropy", "max")
    }
    for number, part in enumerate(PARTS):

        def chosen(part: dict[str, int] = part) -> sw.PathSet:
            return sw.select_paths(tape, score, x, through=part)

        cases[f"values {number}"] = lambda chosen=chosen: chosen().backprop("entropy")
        cases[f"mass {number}"] = lambda chosen=chosen: chosen().log_mass
        cases[f"best {number}"] = lambda chosen=chosen: chosen().log_weight
    taken = interleaved(cases, rounds)
    units = {"values": taken["entropy"], "mass": taken["entropy"], "best": taken["max"]}
    return {
        f"set {name}": statistics.mean(taken[f"{name} {number}"] for number in range(len(PARTS))) / unit
        for name, unit in units.items()
    }


if __name__ == "__main__":
    main()
