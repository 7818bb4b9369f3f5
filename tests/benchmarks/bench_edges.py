"""All edges between components, beside one backward sweep of the same semiring; models of BERT-base shape.

GPT-2 has its norms beside the stream, BERT on it. "contributions" has the reference's forward pass in it,
which "reference" is alone. The second table has areas (CMD, CPR) of circuits of edges by several rankings,
on sentences of the embedded model with the other number as their reference.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator

import torch
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel

import semiring_widgets as sw
from semiring_widgets.core.circuits import edge_values
from semiring_widgets.core.circuits.layout import find_layout
from semiring_widgets.core.effects.reference_values import inputs_of, values_under
from semiring_widgets.core.paths import ground_of
from semiring_widgets.core.replay import Program
from tests.benchmarks.measuring import Report, interleaved

MODELS = {
    "BERT-base": lambda: BertForMaskedLM(BertConfig(attn_implementation="eager")),
    "GPT-2": lambda: GPT2LMHeadModel(GPT2Config(attn_implementation="eager")),
}
# Texts of the embedded model's grammar, what they are compared with, and the two words that are scored.
SENTENCES = [
    ("The {} to the cabinet [MASK] on the table.", "keys", "key", "are", "is"),
    ("The {} near the cabinet [MASK] old.", "books", "book", "are", "is"),
    ("The {} to the cabinets [MASK] on the table.", "key", "keys", "is", "are"),
]


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, default=32)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--semirings", nargs="+", default=["abs", "max", "entropy"])
    chosen = options.parse_args()
    report = Report("edges")
    torch.manual_seed(0)
    for name, build in MODELS.items():
        for row in rows(build().eval().requires_grad_(False), chosen.tokens, chosen.rounds, chosen.semirings):
            report.add(model=name, **row)
    print(report.write())
    report = Report("circuits")
    for row in areas():
        report.add(**row)
    print(report.write())


def rows(
    model: torch.nn.Module, tokens: int, rounds: int, semirings: list[str]
) -> Iterator[dict[str, str | float]]:
    """Seconds of a sweep, and the others as multiples of it."""
    x = 0.05 * torch.randn(1, tokens, model.config.hidden_size)
    reference = x.roll(1, 1)
    with sw.record() as tape:
        logits = model(inputs_embeds=x).logits[0, -1]
        score = logits[2024] - logits[2003]

    def referred() -> None:
        ground = ground_of(tape, score, x)
        layout = find_layout(ground.graph, ground.anatomy)
        nodes = [group.node for group in layout.sources]
        values_under(Program(tape, ground.graph.score), inputs_of(ground.graph.wrt, reference), nodes)

    for semiring in ("sum", *semirings):
        cases = {"sweep": lambda semiring=semiring: sw.backprop(tape, score, x, semiring)}
        if semiring == "sum":
            cases["edges"] = lambda: edge_values(tape, score, x, reference)
            cases["reference"] = referred
        else:
            cases["edges"] = lambda semiring=semiring: edge_values(tape, score, x, semiring=semiring)
        seconds = interleaved(cases, rounds)
        one = seconds["sweep"]
        yield {
            "of": "contributions" if semiring == "sum" else semiring,
            "sweep": one,
            "edges": seconds["edges"] / one,
            "reference": seconds.get("reference", 0.0) / one,
        }


def areas() -> Iterator[dict[str, str | float]]:
    """Mean CMD and CPR by ranking."""
    model, tokenizer = sw.load_demo()
    found: dict[str, list[sw.Curve]] = {}
    for text, own, other, good, bad in SENTENCES:
        ids, ids0 = (tokenizer(text.format(word), return_tensors="pt").input_ids for word in (own, other))
        x, x0 = (model.get_input_embeddings()(one).detach() for one in (ids, ids0))
        with sw.record() as tape:
            logits = model(inputs_embeds=x).logits[0, ids[0].tolist().index(tokenizer.mask_token_id)]
            score = (
                logits[tokenizer.convert_tokens_to_ids(good)] - logits[tokenizer.convert_tokens_to_ids(bad)]
            )
        contributions = {
            "contribution": edge_values(tape, score, x, x0),
            "contribution, 5 steps": edge_values(tape, score, x, x0, steps=5),
            "contribution, secant": edge_values(tape, score, x, x0, rules="secant"),
        }
        rankings = {name: [r["contribution"] for r in one.rows()] for name, one in contributions.items()}
        for semiring, fact in (("abs", "log_mass"), ("max", "log_weight")):
            logs = [row[fact] for row in edge_values(tape, score, x, semiring=semiring).rows()]
            rankings[semiring] = [math.exp(log - max(logs)) for log in logs]
        draw = random.Random(0)
        rankings["random"] = [draw.random() for _ in logs]
        for name, by in rankings.items():
            found.setdefault(name, []).append(sw.circuit_curve(tape, score, x, x0, of="edges", by=by))
    for name, curves in found.items():
        cmd, cpr = (sum(getattr(c, area) for c in curves) / len(curves) for area in ("cmd", "cpr"))
        yield {"ranking": name, "CMD": cmd, "CPR": cpr}


if __name__ == "__main__":
    main()
