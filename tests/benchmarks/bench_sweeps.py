"""Whole sweeps over a model of BERT-base shape, recording included, beside Captum on the same model.

All figures are multiples of Captum's `Saliency` (one forward and one backward pass). ``--tokens`` chooses
lengths, and ``--layers`` depths at which growth is measured, with 64 tokens; there "per layer" is the time of
a max sweep over the number of layers, in milliseconds: constant where growth is linear. "fused" is sum, mass,
entropy and best path in one sweep; "tape" is what recording takes, as a multiple of a forward pass.
"""

from __future__ import annotations

import argparse

import torch
from captum.attr import IntegratedGradients, Saliency
from transformers import BertConfig, BertForMaskedLM

import semiring_widgets as sw
from tests.benchmarks.measuring import Report, clock, interleaved


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, nargs="+", default=[16, 64, 128, 512])
    options.add_argument("--layers", type=int, nargs="*", default=[4, 8])
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    report = Report("sweeps")
    for layers, tokens in [*((12, t) for t in chosen.tokens), *((n, 64) for n in chosen.layers)]:
        torch.manual_seed(0)
        config = BertConfig(vocab_size=30522, num_hidden_layers=layers)
        model = BertForMaskedLM(config).eval().requires_grad_(False)
        inputs = torch.randn(1, tokens, config.hidden_size)
        taken = interleaved(_cases(model, inputs), chosen.rounds)
        unit = taken["Saliency"]
        start = clock()
        _integrated(model, inputs)
        with_steps = clock() - start
        ratios = {name: seconds / unit for name, seconds in taken.items() if name != "Saliency"}
        ratios["tape"] = taken["record"] / taken["forward"]
        per_layer = {"IG 50": with_steps / unit, "per layer": taken["max"] / layers * 1e3}
        report.add(layers_tokens=f"{layers} x {tokens}", saliency_s=unit, **ratios, **per_layer)
    print(report.write())


def _score(model: BertForMaskedLM, inputs: torch.Tensor) -> torch.Tensor:
    logits = model(inputs_embeds=inputs).logits
    return logits[:, inputs.shape[1] // 2, 2024] - logits[:, inputs.shape[1] // 2, 2003]


def _cases(model: BertForMaskedLM, inputs: torch.Tensor) -> dict[str, object]:
    saliency = Saliency(lambda x: _score(model, x))

    def sweep(semiring: object) -> object:
        with sw.record() as tape:
            x = inputs.clone()
            score = _score(model, x)
        return sw.backprop(tape, score, wrt=x, semiring=semiring) if semiring else tape

    def forward() -> None:
        with torch.no_grad():
            _score(model, inputs)

    return {
        "Saliency": lambda: saliency.attribute(inputs.clone().requires_grad_(), abs=False),
        "forward": forward,
        "record": lambda: sweep(None),
        "sum": lambda: sweep("sum"),
        "max": lambda: sweep("max"),
        "entropy": lambda: sweep("entropy"),
        "fused": lambda: sweep("fused"),
    }


def _integrated(model: BertForMaskedLM, inputs: torch.Tensor) -> None:
    method = IntegratedGradients(lambda x: _score(model, x))
    method.attribute(inputs, n_steps=50, internal_batch_size=1)


if __name__ == "__main__":
    main()
