"""Are circuits faithful, and does cancellation find what a gradient overlooks?"""

from __future__ import annotations

from functools import partial

from examples.studies.circuits.cases import TASKS
from examples.studies.circuits.faithful import circuit_rows
from examples.studies.circuits.missed import PLANTED, missed_rows
from examples.studies.circuits.reporting import report
from examples.studies.study import Cell, Study

__all__ = ["STUDY"]

# Seconds of one core, by task: of circuits, and of missed parts.
_SECONDS = {
    "agreement": (240, 40),
    "greater-than": (135, 32),
    "indirect object": (135, 30),
    PLANTED: (0, 20),
}


def cells(short: bool) -> list[Cell]:
    """One for each task and question."""
    trained, tested, sentences = (8, 6, 10) if short else (50, 50, 40)
    share = 0.12 if short else 1.0
    tasks = TASKS[1:2] if short else TASKS
    found = [
        Cell(
            f"circuits-{_key(task)}", partial(circuit_rows, task, trained, tested), share * _SECONDS[task][0]
        )
        for task in tasks
    ]
    return found + [
        Cell(f"missed-{_key(task)}", partial(missed_rows, task, sentences), share * _SECONDS[task][1])
        for task in (*tasks, PLANTED)
    ]


def _key(task: str) -> str:
    return task.replace(" ", "-")


STUDY = Study(
    name="circuits",
    title="Circuits and cancellation",
    question=(
        "What do the first edges of a ranking do alone, on sentences that the ranking has not seen? And do "
        "parts whose paths cancel turn out to matter where their gradient is small?"
    ),
    cells=cells,
    report=report,
    terms=(
        "A circuit keeps the first edges of a ranking and gives all others the values they have in a "
        "counterfactual sentence. f(k) is the share of the change of the score that the first k % keep; CMD "
        "is the area between f and 1 (0 is best), CPR the area under f, as in the Mechanistic "
        "Interpretability Benchmark (MIB). EAP is edge attribution patching, EAP-IG the same with gradients "
        "averaged over steps; secant, gim, lrp and linear are rules for what is not linear. Mass is the sum "
        "of all |path weights|: where paths cancel it exceeds |contribution|."
    ),
)
