"""What a user waits for: importing the package, the first call, and an answer after a click."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import torch
from transformers import BertConfig, BertForMaskedLM

import semiring_widgets as sw
from semiring_widgets.contract.answers import answer
from semiring_widgets.contract.requests import EMPTY_SELECTION
from semiring_widgets.core.semirings import Abs, Max, Product
from semiring_widgets.explanation import explain_run
from tests.benchmarks.measuring import Report

_IMPORTS = ("import torch, transformers", "import torch, transformers, semiring_widgets")


def main() -> None:
    """Measure, print and write."""
    report = Report("start")
    seconds = {code: [_run(code) for _ in range(5)] for code in _IMPORTS}
    bare, whole = (statistics.median(taken) for taken in seconds.values())
    report.add(what="import beyond torch and transformers", seconds=whole - bare)
    model, tokenizer = sw.load_demo()
    for call in ("first", "second"):
        start = time.perf_counter()
        sw.explain(
            model, tokenizer, "The keys to the cabinet [MASK] on the table.", target="are", contrast="is"
        )
        report.add(what=f"{call} explain(), embedded model", seconds=time.perf_counter() - start)
    _clicks(report, tokenizer)
    print(report.write())


def _run(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def _clicks(report: Report, tokenizer: object) -> None:
    """BERT-base shape at 32 tokens: a full sweep, every picture of `explain`, and one answer each."""
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(vocab_size=30522, num_hidden_layers=12)).eval()
    tokenizer.model_max_length = 512
    text = "The keys to the cabinet " * 5 + "[MASK] on the table."
    start, first = time.perf_counter(), []
    run = explain_run(model, tokenizer, text, "are", "is")
    result = run(lambda _: first.append(time.perf_counter() - start), lambda: None)
    report.add(what=f"explain(), BERT-base, {len(result.tokens)} tokens: first picture", seconds=first[0])
    report.add(what="the same, last picture", seconds=time.perf_counter() - start)
    embeddings = model.get_input_embeddings()
    ids = torch.tensor([[token.id for token in result.tokens]])
    start = time.perf_counter()
    with sw.record() as tape:
        inputs = embeddings(ids)
        score = model(inputs_embeds=inputs).logits[0, 20, 5]
    sw.backprop(tape, score, wrt=inputs, semiring=Product(Abs(), Max()))
    report.add(what="record and full sweep (mass, best)", seconds=time.perf_counter() - start)
    clicks = {
        "layer": {"layer": 6},
        "head": {"layer": 6, "head": 3},
        "token": {"token": 4},
        "branch": {"layer": 6, "branch": "skip"},
    }
    for name, selection in clicks.items():
        start = time.perf_counter()
        answer(result, {"type": "condition", "id": 0, "selection": {**EMPTY_SELECTION, **selection}})
        report.add(what=f"answer to a click on a {name}", seconds=time.perf_counter() - start)


if __name__ == "__main__":
    main()
