"""Circuits whose edges are known, and how well methods find them.

Ninety programs compiled by Tracr, models into which such circuits were trained beside LayerNorms
(interchange-intervention training, as InterpBench is made), and models whose weights were set by hand.
"""

from __future__ import annotations

from functools import partial

from examples.studies.planted.hand_set import HAND_SET
from examples.studies.planted.measuring import measure_program, measure_trained
from examples.studies.planted.programs import program_names, program_size
from examples.studies.planted.report import report
from examples.studies.planted.routes import measure_hand_set
from examples.studies.planted.trained import trained_names
from examples.studies.study import Cell, Study

__all__ = ["STUDY"]

_SHORT = ("hist", "frac_prevs", "detect_ab", "drawn_011")


def _cells(short: bool) -> list[Cell]:
    programs = _SHORT if short else sorted(program_names(), key=program_size)
    trained = trained_names()[:2] if short else trained_names()
    return [
        *(Cell(f"hand-set-{name}", partial(measure_hand_set, name), 2) for name in HAND_SET),
        *(Cell(f"trained-{name}", partial(measure_trained, name, 2 if short else 5), 6) for name in trained),
        *(Cell(f"program-{name}", partial(measure_program, name, 2 if short else 3), 4) for name in programs),
    ]


STUDY = Study(
    "planted",
    "Circuits that are known",
    "Where the edges of a circuit are known because somebody put them there: which method ranks them "
    "above all other edges?",
    _cells,
    report,
    "AUROC: how often an edge of the circuit is ranked above another edge; 1 is always, 0.5 is chance. "
    "Trained models learned a circuit beside LayerNorms; compiled ones are programs in weights (Tracr); "
    "turned ones are these with a randomly rotated residual stream. EAP is edge attribution patching, "
    "EAP-IG averages its gradients over steps, ACDC prunes edges greedily, edge patching tests each edge "
    "alone. Rules of `sw.edges` say what stands for a slope: the secant is the slope between text and "
    "reference.",
)
