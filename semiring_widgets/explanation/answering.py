"""The answer in sentences, made of what was measured: the score, the words, the route, what would change it.

Every sentence stands for itself and names the parts that it is about. Numbers are those of tests; where
nothing could be tested they are estimates, and that is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from semiring_widgets.core.effects.saturation import MATTERS, PARTED
from semiring_widgets.explanation.names import Names, head_name, with_and
from semiring_widgets.explanation.references import stand_in
from semiring_widgets.explanation.route_words import quoted
from semiring_widgets.results.decimals import Decimals
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import Part, Score, Sentence
from semiring_widgets.results.rankings import Family
from semiring_widgets.results.visible import shortened

__all__ = ["sentences_of"]

_CLASSES = ("classifier", "token classifier")
# A word is the reason if it makes up so much of what all words do.
_REASON = 1 / 3
# Words named beside the first one do at least this share of what it does.
_ALSO = 1 / 2
_NAMED = 3
# Of the score, what is not worth telling.
_LITTLE = 0.05
# Below that, contributions do not rank parts as tests do.
_ALIKE = 0.5


def sentences_of(
    e: Explanation, family: str, untested: str = "", route: Test | None = None
) -> tuple[Sentence, ...]:
    """The answer to why the score is what it is.

    Args:
        e: the explanation as far as it is known.
        family: what the model's output is about, see `family_and_logits`; ``"own"``: a score of the caller's.
        untested: why nothing was tested; empty where everything was.
        route: the test of the first family of routes, where there is one.
    """
    return tuple(_Story(e, family, untested, route).told())


@dataclass(frozen=True)
class _Word:
    """A token, and what it is worth: the effect, or where nothing was tested its contribution."""

    part: Part
    name: str
    worth: float


@dataclass(frozen=True)
class _Story:
    e: Explanation
    family: str
    untested: str
    route: Test | None

    def told(self) -> Iterator[Sentence]:
        yield Sentence("score", _score(self.e.score, self.family, self.form))
        if self.words:
            yield self._words()
        family = self._main_route()
        if family is not None:
            yield self._route(family)
        yield from self._replaced()
        yield from self._remarks()

    @cached_property
    def names(self) -> Names:
        return Names(self.e.streams, self.e.layers)

    @cached_property
    def words(self) -> list[_Word]:
        """Those that something is known of, the ones that are worth most first."""
        what = "contribution" if self.untested else "effect"
        found = []
        for stream, variable in enumerate(("token", "decoder")[: len(self.e.streams)]):
            name = f"{variable}_{what}"
            values = self.e.dataset[name].values if name in self.e.dataset else ()
            for token, worth in zip(self.e.streams[stream].tokens, values, strict=False):
                if math.isfinite(worth):
                    name = quoted(self.names.token(stream, token.index))
                    found.append(_Word(Part(token=token.index, stream=stream), name, float(worth)))
        return sorted(found, key=lambda word: -abs(word.worth))

    @cached_property
    def form(self) -> Decimals:
        """How numbers of this size are written."""
        return Decimals.of(self.scale)

    @cached_property
    def scale(self) -> float:
        """The largest number that is told."""
        known = [self.e.score.value, *(word.worth for word in self.words)]
        return max((abs(v) for v in known if math.isfinite(v)), default=1.0)

    @cached_property
    def side(self) -> int:
        """Whose words speak for the answer: those of positive worth, or of negative where the score is."""
        return -1 if self.e.score.contrast is not None and self.e.score.value < 0 else 1

    @cached_property
    def first(self) -> list[_Word]:
        """The words that are worth most: the first, and those that are worth nearly as much."""
        return [w for w in self.words[:_NAMED] if abs(w.worth) >= _ALSO * abs(self.words[0].worth)]

    def _words(self) -> Sentence:
        worth = [abs(word.worth) for word in self.words]
        if self.form.is_zero(worth[0]) or worth[0] < _LITTLE * abs(self.e.score.value):
            return Sentence("words", self._as_known(self._no_word(worth[0])))
        if worth[0] < _REASON * math.fsum(worth):
            named = self.words[:_NAMED]
            text = f"There is no single reason for this: {with_and(map(self._worth, named))} are worth most."
            return Sentence("words", self._as_known(text), _parts(named))
        pro = [word for word in self.first if word.worth * self.side > 0]
        con = [word for word in self.first if word.worth * self.side < 0]
        if not pro:
            best = max(self.words, key=lambda word: word.worth * self.side)
            if best.worth * self.side <= 0 or self.form.is_zero(best.worth):
                text = (
                    f"This is in spite of {with_and(map(self._worth, con))}, and no word speaks for it alone."
                )
                return Sentence("words", self._as_known(text), _parts(con))
            text = (
                f"This is in spite of {with_and(map(self._worth, con))}; {self._worth(best)} speaks for it."
            )
            return Sentence("words", self._as_known(text), _parts([*con, best]))
        text = f"This is mostly because of {with_and(map(self._worth, pro))}"
        if self.e.score.contrast is None and self.e.score.value < 0:
            # What is low is not so because of what raises it.
            text = f"{with_and(map(self._worth, pro))} {'raises' if len(pro) == 1 else 'raise'} it most"
        text += f", in spite of {with_and(map(self._worth, con))}" if con else ""
        others = worth[len(self.first) :]
        if others:
            most = self.form.at_most(others[0])
            does = f"is worth more than {most}" if float(most) else "matters" if others[0] else "changes it"
            text += f"; no other word {does}"
        return Sentence("words", self._as_known(f"{text}."), _parts([*pro, *con]))

    def _no_word(self, most: float) -> str:
        reference = self.e.reference
        if float(self.form.at_most(most)) > 0 or reference is None:
            return f"No single word changes it by more than {self.form.at_most(most)}."
        if reference.kind == "text" and any(-1 in row for row in reference.aligned):
            return "Words with a counterpart in the other text are the same there, so nothing was replaced."
        if reference.kind == "text":
            return (
                "The text that it is compared with is the same to the model, so nothing can be told from it."
            )
        if reference.kind == "mean" and all(len(stream.tokens) == 1 for stream in self.e.streams):
            return "The mean of one word is that word, so nothing was replaced; compare with another text."
        return "No single word changes it at all."

    def _as_known(self, text: str) -> str:
        if not self.untested:
            return text
        return f"As far as estimates tell, {text[0].lower()}{text[1:]}"

    def _worth(self, word: _Word) -> str:
        return f"{word.name} ({self.form.signed(word.worth)})"

    def _replaced(self) -> Iterator[Sentence]:
        """What happens when the main word is replaced."""
        if self.untested or not self.words or self.e.reference is None:
            return
        word = next((w for w in self.first if w.worth * self.side > 0), self.words[0])
        given = stand_in(self.e.reference, word.part, quoted)
        before, after = self.e.score.value, self.e.score.value - word.worth
        if given is None or self.form.signed(before) == self.form.signed(after):
            return
        change = "falls" if after < before else "rises"
        numbers = f"from {self.form.signed(before)} to {self.form.signed(after)}"
        text = f"With {given} for {word.name} the score {change} {numbers}{self._outcome(before, after)}."
        yield Sentence("replaced", text, (word.part,))

    def _outcome(self, before: float, after: float) -> str:
        if self.e.score.contrast is None or self.form.is_zero(before):
            return ""
        if self.form.is_zero(after):
            return ": the answer is open"
        return ": the answer flips" if before * after < 0 else ""

    def _main_route(self) -> Family | None:
        """The family of routes that contributes most, of those that pass a head."""
        known = (ranking for ranking in self.e.rankings if ranking.by == "contribution")
        return next((family for ranking in known for family in ranking.families if family.steps), None)

    def _route(self, family: Family) -> Sentence:
        steps = family.steps
        worth = family.contribution if self.route is None else self.route.effect
        number = ("about " if self.route is None else "") + self.form.signed(worth)
        aside = f", {self.e.paths}" if self.e.paths else ""
        start = self.e.layers[steps[0].layer]
        first = Part(
            token=steps[0].source, stream=start.stream if steps[0].branch == "query" else start.key_stream
        )
        heads = tuple(Part(layer=step.layer, head=step.head) for step in steps)
        if self.form.is_zero(worth):
            name = quoted(self.names.token(first.stream, steps[0].source))
            text = (
                f"No route through heads carries it alone: the first, from {name}, is worth {number}{aside}."
            )
            return Sentence("route", text, (first, *heads))
        return Sentence(
            "route", f"{family.sentence[:-1]} ({number} by this route alone{aside}).", (first, *heads)
        )

    def _remarks(self) -> Iterator[Sentence]:
        if self.untested:
            why = shortened(" ".join(self.untested.split()), 200).rstrip(".")
            yield Sentence("remark", f"Nothing could be tested here, so the numbers are estimates: {why}.")
            return
        yield from self._saturation()
        yield from self._order()

    def _order(self) -> Iterator[Sentence]:
        """Where estimates rank parts otherwise than tests do."""
        apart = [one for one in self.e.correlations if one.kind in _KINDS and one.rank_correlation < _ALIKE]
        if apart:
            kinds = with_and(f"the {_KINDS[one.kind]}" for one in apart)
            numbers = with_and(Decimals(2).signed(one.rank_correlation).removeprefix("+") for one in apart)
            text = (
                f"The estimates put {kinds} in another order than the tests do (rank correlation {numbers})."
            )
            yield Sentence("remark", text)

    def _saturation(self) -> Iterator[Sentence]:
        """Where estimate and test part most, of the parts that matter."""
        worst: tuple[float, str, Part, float, float] | None = None
        for name, part, effect, estimate in self._tested():
            off = abs(effect - estimate)
            if off >= MATTERS * self.scale and (worst is None or off > worst[0]):
                worst = off, name, part, effect, estimate
        if worst is None:
            return
        _, name, part, effect, estimate = worst
        if effect * estimate < 0 and not self.form.is_zero(estimate):
            how = "point the wrong way here, as the model is far from linear"
        else:
            little = abs(estimate) < abs(effect)
            how = "say too little here, as the model is saturated" if little else "say too much here"
        numbers = f"{self.form.signed(estimate)} for {name}, where the test says {self.form.signed(effect)}"
        yield Sentence("remark", f"Estimates {how}: {numbers}.", (part,))

    def _tested(self) -> Iterator[tuple[str, Part, float, float]]:
        """Tokens and heads that matter, and that estimate and test part about."""
        for kind in (self._tokens(), self._heads()):
            known = list(kind)
            most = max((abs(effect) for _, _, effect, _ in known if math.isfinite(effect)), default=0.0)
            for name, part, effect, estimate in known:
                larger = np.fmax(abs(effect), abs(estimate))
                if larger >= MATTERS * most and abs(effect - estimate) > PARTED * larger:
                    yield name, part, effect, estimate

    def _tokens(self) -> Iterator[tuple[str, Part, float, float]]:
        for word in self.words:
            variable = "decoder" if word.part.stream else "token"
            yield word.name, word.part, *self._numbers(variable, word.part.token)

    def _heads(self) -> Iterator[tuple[str, Part, float, float]]:
        for layer in self.e.layers:
            for head in range(layer.heads):
                part = Part(layer=layer.index, head=head)
                yield head_name(layer.index, head), part, *self._numbers("head", layer.index, head)

    def _numbers(self, variable: str, *place: int | None) -> tuple[float, float]:
        """Effect and contribution of a part."""
        data = self.e.dataset
        return float(data[f"{variable}_effect"].values[place]), float(
            data[f"{variable}_contribution"].values[place]
        )


_KINDS = {"tokens": "words", "heads": "heads"}


def _score(score: Score, family: str, form: Decimals) -> str:
    value = form.signed(score.value)
    target, contrast = (None if word is None else quoted(word) for word in (score.target, score.contrast))
    if target is None:
        name = "" if score.label == "score" else f" {quoted(score.label)}"
        return f"The score{name} is {value}."
    of_class = family in _CLASSES
    unit = "logits" if score.unit == "logit" else score.unit
    if contrast is None and score.unit == "nats":
        pseudo = score.label.startswith("pseudo-")
        what = "pseudo-log-likelihood" if pseudo else "log-probability"
        return f"The model gives {target} a {what} of {value} {unit}."
    if contrast is None:
        return f"The model gives {'the class ' if of_class else ''}{target} a logit of {value}."
    if form.is_zero(score.value):
        return f"The model is undecided between {target} and {contrast} ({value} {unit})."
    says = "chooses" if of_class else "says"
    if score.value > 0:
        return f"The model {says} {target} rather than {contrast} ({value} {unit})."
    return f"The model {says} {contrast} rather than {target} ({value} {unit} for {target})."


def _parts(words: Sequence[_Word]) -> tuple[Part, ...]:
    return tuple(word.part for word in words)
