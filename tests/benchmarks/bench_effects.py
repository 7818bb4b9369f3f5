"""Estimates and tests of all parts, beside one gradient of the same score; a model of BERT-base shape.

"estimates" has the contributions of all tokens, heads and feed-forward parts, the reference's pass included;
"first picture" the recording, too. The others are tests, each kind by itself and the three together.
"""

from __future__ import annotations

import argparse

import torch
from transformers import BertConfig, BertForMaskedLM

import semiring_widgets as sw
from semiring_widgets.core.effects import effect_rows
from tests.benchmarks.measuring import Report, interleaved


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, nargs="+", default=[32])
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    report = Report("effects")
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(attn_implementation="eager")).eval().requires_grad_(False)
    for tokens in chosen.tokens:
        report.add(**row(model, tokens, chosen.rounds))
    print(report.write())


def row(model: torch.nn.Module, tokens: int, rounds: int) -> dict[str, str | float]:
    """One length of text: seconds of a gradient, and the others as multiples of it."""
    x = torch.randn(1, tokens, model.config.hidden_size)
    reference = x.roll(1, 1)

    def asked(x: torch.Tensor) -> torch.Tensor:
        logits = model(inputs_embeds=x).logits[0, tokens // 2]
        return logits[2024] - logits[2003]

    def recorded() -> tuple[sw.Tape, torch.Tensor]:
        with sw.record() as tape:
            score = asked(x)
        return tape, score

    def gradient() -> None:
        leaf = x.clone().requires_grad_()
        torch.autograd.grad(asked(leaf), leaf)

    tape, score = recorded()
    cases = {
        "gradient": gradient,
        "estimates": lambda: effect_rows(tape, score, x, reference, tested=False),
        "first picture": lambda: effect_rows(*recorded(), x, reference, tested=False),
        "tokens": lambda: effect_rows(tape, score, x, reference, kind="tokens"),
        "heads": lambda: effect_rows(tape, score, x, reference, kind="heads"),
        "all three": lambda: effect_rows(tape, score, x, reference),
    }
    seconds = interleaved(cases, rounds)
    one = seconds.pop("gradient")
    return {"length": str(tokens), "seconds": one, **{name: taken / one for name, taken in seconds.items()}}


if __name__ == "__main__":
    main()
