"""Peak memory of recording and sweeping a model of BERT-base shape, beside ordinary autograd.

Every case runs in a process of its own. Its figure is the peak of resident memory above what the process
holds once the model and the input are there, and the same as a multiple of an ordinary forward and backward
pass (``loss.backward()``, parameters included; "gradient of the input" leaves them out). Linux only: the peak
is reset through ``/proc/self/clear_refs``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import torch
from transformers import BertConfig, BertForMaskedLM

import semiring_widgets as sw
from tests.benchmarks.measuring import Report

SWEEPS = ("sum", "abs", "max", "signed_max", "entropy", "count")
# Of what a recording keeps without a limit.
SHARE = 0.5
CASES = (
    "forward + backward",
    "gradient of the input",
    "record",
    "record with a limit",
    *SWEEPS,
    "all sweeps",
    "all sweeps with a limit",
    "flow",
    "top paths",
    "sampled paths",
)


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, default=128)
    options.add_argument("--layers", type=int, default=12)
    options.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    options.add_argument("--case", choices=CASES, help="run this one here and print its peak in MB")
    chosen = options.parse_args()
    if chosen.case:
        print(_peak(chosen.case, chosen.tokens, chosen.layers))
        return
    report = Report("memory")
    peaks: dict[str, float] = {}
    for case in dict.fromkeys([CASES[0], *chosen.cases]):
        command = [sys.executable, "-m", __spec__.name, "--case", case]
        sizes = ["--tokens", str(chosen.tokens), "--layers", str(chosen.layers)]
        done = subprocess.run([*command, *sizes], capture_output=True, text=True, check=True)
        peaks[case] = float(done.stdout.split()[-1])
        report.add(case=case, peak_mb=peaks[case], ratio=peaks[case] / peaks[CASES[0]])
    print(report.write())


def _peak(case: str, tokens: int, layers: int) -> float:
    """Peak of resident memory above the model, in MB."""
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(num_hidden_layers=layers)).eval()
    model.requires_grad_(case == CASES[0])
    inputs = torch.randn(1, tokens, model.config.hidden_size)
    with torch.no_grad():
        _score(model, inputs[:, :4])
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    _run(case, model, inputs)
    return (resident("VmHWM") - before) / 1024


def _run(case: str, model: BertForMaskedLM, inputs: torch.Tensor) -> None:
    if case in CASES[:2]:
        leaf = inputs.clone().requires_grad_()
        _score(model, leaf).backward()
        return
    limit = None
    if case.endswith("with a limit"):
        with sw.record(values=False) as tape:
            _score(model, inputs.clone())
        limit = int(SHARE * tape.nbytes)
    with sw.record(max_memory=limit) as tape:
        x = inputs.clone()
        score = _score(model, x)
    if case == "flow":
        sw.flow(tape, score, wrt=x)
    elif case == "top paths":
        sw.top_paths(tape, score, wrt=x, k=10)
    elif case == "sampled paths":
        sw.sample_paths(tape, score, wrt=x)
    elif not case.startswith("record"):
        for semiring in SWEEPS if case.startswith("all") else (case,):
            sw.backprop(tape, score, wrt=x, semiring=semiring)


def _score(model: BertForMaskedLM, inputs: torch.Tensor) -> torch.Tensor:
    logits = model(inputs_embeds=inputs).logits[0, inputs.shape[1] // 2]
    return logits[2024] - logits[2003]


def resident(field: str) -> int:
    """A figure of this process in kB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {field}.")


if __name__ == "__main__":
    main()
