"""Inside a part or a route: units of heads and feed-forward parts, and the strongest scalar path."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict

from semiring_widgets.core.anatomy import Selection
from semiring_widgets.core.effects.units import units_of
from semiring_widgets.core.paths import Path, Paths
from semiring_widgets.explanation.effect_numbers import Recording
from semiring_widgets.explanation.flow_cells import share
from semiring_widgets.results.drilled import ScalarPath, ScalarStep, UnitNumbers
from semiring_widgets.results.parts import Part

__all__ = ["told_path", "unit_numbers"]


def unit_numbers(
    paths: Paths, recording: Recording, part: Selection, log_mass: float, check: Callable[[], None]
) -> UnitNumbers:
    """The units of a part.

    Args:
        paths: those explained.
        recording: of the score, with its reference.
        part: checked.
        log_mass: of the paths explained.
        check: called often; may raise to stop.
    """
    found = units_of(paths, recording.tape, part, list(recording.reference.inputs), lambda *_: check())
    shares = share(found.log_mass, log_mass)
    numbers = (found.value, found.contribution, shares)
    return UnitNumbers(Part(**asdict(part)), found.hidden, *(tuple(n.tolist()) for n in numbers))


def told_path(path: Path) -> ScalarPath:
    """A path with the product of its derivatives at every step."""
    steps, log_weight, sign = [], 0.0, 1
    for step in path.steps:
        size = abs(step.derivative)
        log_weight += math.log(size) if size else -math.inf
        sign *= (step.derivative > 0) - (step.derivative < 0)
        place = step.layer, step.head, step.token, step.route
        steps.append(ScalarStep(step.op, step.module, step.index, step.derivative, log_weight, sign, *place))
    start = path.start
    token = start[-2] if len(start) > 1 else 0
    return ScalarPath(path.input, token, start[-1], path.log_weight, path.sign, tuple(steps))
