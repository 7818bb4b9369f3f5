"""Circuits whose edges are known, and how well methods find them.

Ninety programs compiled by Tracr, models into which such circuits were trained beside LayerNorms
(interchange-intervention training, as InterpBench is made), and models whose weights were set by hand.
"""

from __future__ import annotations

from functools import partial

from examples.studies.planted.measuring import measure_program, measure_trained
from examples.studies.planted.programs import program_names
from examples.studies.planted.report import report
from examples.studies.planted.trained import trained_names
from examples.studies.study import Cell, Study

__all__ = ["STUDY"]

_SHORT = ("hist", "frac_prevs", "detect_ab", "drawn_011")


def _cells(short: bool) -> list[Cell]:
    programs = _SHORT if short else program_names()
    trained = trained_names()[:2] if short else trained_names()
    return [
        *(
            Cell(f"program-{name}", partial(measure_program, name, 2 if short else 3), 10)
            for name in programs
        ),
        *(Cell(f"trained-{name}", partial(measure_trained, name, 4 if short else 8), 14) for name in trained),
    ]


STUDY = Study(
    "planted",
    "Circuits that are known",
    "Where the edges of a circuit are known because somebody put them there: which method ranks them "
    "above all other edges?",
    _cells,
    report,
)
