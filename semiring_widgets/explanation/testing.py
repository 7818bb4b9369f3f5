"""A claim about a part or a route is put to the test: the model runs again with another value there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from semiring_widgets import core
from semiring_widgets.core.anatomy import Extent, Leg, Parts, Selection, checked
from semiring_widgets.core.effects import Effect, RouteSteps
from semiring_widgets.core.effects.cut_points import place_of
from semiring_widgets.core.effects.estimating import contributions_of
from semiring_widgets.core.effects.measuring import told_of
from semiring_widgets.core.effects.replacements import value_for
from semiring_widgets.core.paths import Ground, ground_of
from semiring_widgets.core.replay import Program
from semiring_widgets.errors import InputError, SemiringWidgetsError
from semiring_widgets.explanation.effect_numbers import Recording
from semiring_widgets.explanation.names import Names, with_and
from semiring_widgets.explanation.references import Referenced, check_reference, stand_in
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import Part
from semiring_widgets.results.rankings import ListedStep

__all__ = ["Tester"]

Check = Callable[[], None]
_WORDS = ("reference", "zero", "mean")
_BY_ATTENTION = ("query", "key", "value", "attention")


@dataclass(frozen=True, eq=False)
class Tester:
    """Tests of one recorded score.

    Attributes:
        recording: of the score, with its reference.
        extent: what parts there are.
        names: of the parts.
        predict: the contribution of all paths that begin at a token of an input and take some steps.
    """

    recording: Recording
    extent: Extent
    names: Names
    predict: Callable[[tuple[int, int], Sequence[Leg], Check], float]

    def test(self, selection: Parts, steps: Sequence[ListedStep], by: str, check: Check) -> Test:
        """One test; see `semiring_widgets.results.session.Session`.

        Args:
            selection: a part or several, which are replaced together.
            steps: a route, or the steps by attention of a family of routes.
            by: what they are given: ``"reference"``, ``"zero"``, ``"mean"``, or a text.
            check: called often; may raise to stop.
        """
        word, other = self._given(by)
        if steps:
            return self._of_route(steps, word, other, by, check)
        parts = checked(selection, self.extent)
        if not parts:
            raise InputError(
                "A test is about some part: give a part such as {'layer': 3, 'head': 2} or {'token': 2}, "
                "several of them, or a route."
            )
        found = self._measured([[(part, word) for part in parts]], other, check)[0]
        told = tuple(Part(**asdict(part)) for part in parts)
        label = self._label(told, word, other, by)
        (predicted,) = self._predicted_each([parts], word, other)
        return self._told(told, (), word, label, found, predicted)

    def test_each(
        self, asked: Sequence[tuple[Parts, Sequence[ListedStep]]], check: Check
    ) -> list[Test | None]:
        """Several tests by the reference; see `semiring_widgets.results.session.Session`.

        Args:
            asked: of each a selection, and the steps of a route.
            check: called often; may raise to stop.
        """
        whole = [checked(selection, self.extent) for selection, steps in asked if not steps]
        try:
            together = iter(self._of_many(whole, check) if whole else ())
        except SemiringWidgetsError:  # of one of them; which one, each says by itself
            return [self._tried(*one, check) for one in asked]
        return [self._tried(*one, check) if one[1] else next(together) for one in asked]

    def _tried(self, selection: Parts, steps: Sequence[ListedStep], check: Check) -> Test | None:
        """A test by the reference, where there can be one."""
        try:
            return self.test(selection, steps, "reference", check)
        except SemiringWidgetsError:
            return None

    def _of_many(self, many: Sequence[tuple[Selection, ...]], check: Check) -> list[Test]:
        """Tests of parts by the reference, run side by side."""
        word = "reference"
        effects = self._measured([[(part, word) for part in parts] for parts in many], None, check)
        predicted = self._predicted_each(many, word, None)
        found = []
        for parts, effect, number in zip(many, effects, predicted, strict=True):
            told = tuple(Part(**asdict(part)) for part in parts)
            found.append(self._told(told, (), word, self._label(told, word, None, word), effect, number))
        return found

    def test_all(self, kind: str, by: str, check: Check) -> tuple[Test, ...]:
        """A test of every part of a kind; see `semiring_widgets.results.session.Session`.

        Args:
            kind: as in `semiring_widgets.effects`.
            by: as in `test`.
            check: called often; may raise to stop.
        """
        word, other = self._given(by)
        rows = self.recording.rows(kind, check, by=word, resample=_inputs(other))
        found = []
        for row in rows:
            branch = "mlp" if row["kind"] == "mlp" else None
            part = Part(row["layer"], branch, row["head"], row["token"], row["stream"])
            effect = Effect(row["before"], math.nan if row["after"] is None else row["after"])
            label = self._label((part,), word, other, by)
            found.append(self._told((part,), (), word, label, effect, row["contribution"]))
        return tuple(found)

    def _of_route(
        self, steps: Sequence[ListedStep], word: str, other: Referenced | None, by: str, check: Check
    ) -> Test:
        layer = self.names.layers[_layer(steps[0], len(self.names.layers))]
        stream = layer.stream if steps[0].branch in ("query", "skip", "mlp") else layer.key_stream
        legs = _legs(self._ground, steps)
        found = self._measured([[(RouteSteps(steps[0].source, legs, stream), word)]], other, check)[0]
        # Contributions are told along the reference.
        known = word == "reference"
        predicted = self.predict((stream, steps[0].source), legs, check) if known else math.nan
        label = self.names.route([step for step in steps if step.branch in _BY_ATTENTION]) + _aside(word, by)
        return self._told((), tuple(steps), word, label, found, predicted)

    def _given(self, by: Any) -> tuple[str, Referenced | None]:
        """What parts are given, in a word of the core, and the text where that is one."""
        if isinstance(by, str) and by in _WORDS:
            return by, None
        if by == "resample":
            raise InputError(
                "by='resample' gives a part the value that it has in another text; give that text as by=."
            )
        check_reference(by)
        return "resample", self.recording.refer(by)

    def _measured(
        self, tests: list[list[tuple[Any, str]]], other: Referenced | None, check: Check
    ) -> list[Effect]:
        recording = self.recording
        found = core.test(
            recording.tape,
            recording.score,
            tests,
            wrt=list(recording.inputs),
            reference=list(recording.reference.inputs),
            resample=_inputs(other),
            max_memory=recording.max_memory,
            progress=lambda *_: check(),
        )
        return found if isinstance(found, list) else [found]

    def _predicted_each(
        self, many: Sequence[Sequence[Selection]], word: str, other: Referenced | None
    ) -> list[float]:
        """Of each test the contributions of its parts at their cuts, added up."""
        ground = self._ground
        graph, program = ground.graph, Program(self.recording.tape, ground.graph.score)
        every = dict.fromkeys(part for parts in many for part in parts)
        places = [place_of(graph, ground.anatomy, part) for part in every]
        others = {"reference": list(self.recording.reference.inputs), "resample": _inputs(other)}
        told = told_of(ground, program, [(place, word) for place in places], others)
        given = {place.node: value_for(place, word, told) for place in places}
        numbers = contributions_of(graph, program, places, given, {}).flatten().tolist()
        known = dict(zip(every, numbers, strict=True))
        return [math.fsum(known[part] for part in parts) for parts in many]

    def _label(self, parts: Sequence[Part], word: str, other: Referenced | None, by: Any) -> str:
        """What is tested; of one token also what stands in for it."""
        name = with_and(map(self.names.part, parts))
        source = {"reference": self.recording.reference, "resample": other}.get(word)
        if source is not None and len(parts) == 1 and parts[0].layer is None and parts[0].token is not None:
            given = stand_in(source.told(math.nan), parts[0], str)
            return name if given is None else f"{name} → {given}"
        return name + _aside(word, by)

    @property
    def _ground(self) -> Ground:
        recording = self.recording
        return ground_of(recording.tape, recording.score, list(recording.inputs))

    @staticmethod
    def _told(
        parts: tuple[Part, ...],
        steps: tuple[ListedStep, ...],
        word: str,
        label: str,
        found: Effect,
        predicted: float,
    ) -> Test:
        return Test(parts, steps, word, label, found.before, found.after, predicted)


def _inputs(other: Referenced | None) -> list[Tensor] | None:
    return None if other is None else list(other.inputs)


def _aside(word: str, by: Any) -> str:
    if word == "reference":
        return ""
    if word == "resample":
        return f", as in “{by}”" if isinstance(by, str) else ", as in a tensor"
    return ", set to zero" if word == "zero" else ", set to its mean"


def _layer(step: ListedStep, layers: int) -> int:
    if not 0 <= step.layer < layers:
        raise InputError(f"A route passes a layer {step.layer}; there are {layers}, counted from 0.")
    return step.layer


def _legs(ground: Ground, steps: Sequence[ListedStep]) -> list[Leg]:
    """The steps as the core takes them.

    A listed route names what it passes in every layer but for the skip beside a feed-forward part. A family
    names its steps by attention alone, and takes feed-forward parts and the skip beside them, both.
    """
    legs = [Leg(step.layer, step.branch, step.head, step.source, step.target) for step in steps]
    if all(leg.branch in _BY_ATTENTION for leg in legs):
        return legs
    passed = {step.layer: step for step in steps}
    known = ground.stations.of
    by_mlp = {step.layer for step in steps if step.branch in ("mlp", "mlp_skip")}
    around = [
        Leg(layer, "mlp_skip", None, step.target, step.target)
        for layer, step in passed.items()
        if layer not in by_mlp and (layer, "mlp_skip") in known and not _beside(ground, layer)
    ]
    return [*legs, *around]


def _beside(ground: Ground, layer: int) -> bool:
    """Whether a feed-forward part stands beside the attention: then a path takes one or the other."""
    mlp = ground.anatomy.attentions[layer].mlp
    return mlp is not None and mlp.inner is not None
