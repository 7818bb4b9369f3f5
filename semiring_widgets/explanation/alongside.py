"""Two explanations side by side: tokens aligned word by word, and what differs most, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final, TypeAlias

import numpy as np

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.names import Names, with_and
from semiring_widgets.results.aligned_words import aligned_by_words, places_of
from semiring_widgets.results.decimals import Decimals
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.parts import Part, Score, Sentence
from semiring_widgets.results.two_sides import Place, SideBySide
from semiring_widgets.results.two_sides_tables import reasons
from semiring_widgets.results.visible import shortened

__all__ = ["beside"]

_TOLD: Final = 3  # of words, and of heads and MLPs
_NAME: Final = 24  # letters of a name
# A part, its number in A, in B, and their difference, and whether it was tested.
_Compared: TypeAlias = tuple[Part, tuple[float, ...], bool]


def beside(first: Any, second: Any, *, names: Sequence[str] | None = None) -> SideBySide:
    """Two explanations side by side: A, B and A - B, part by part.

    They may differ in their text, target, model (of the same layers and heads: another checkpoint, another
    training), reference, rules or granularity. Tokens are aligned word by word: a word that was exchanged
    stands beside the one in its place, one that only one text has beside a gap.

    Args:
        first: A.
        second: B.
        names: what the two are called; None for what they differ in.

    Returns:
        The result: it displays itself, and is exported as an explanation is. Clicks in its widget are
        answered for both sides while both are live, so make it of explanations that were not shown before,
        since a notebook keeps the recording of what was shown last.

    Raises:
        InputError: these are not two explanations, or of models whose parts are not the same.

    Example:
        >>> import semiring_widgets as sw
        >>> model, tokenizer = sw.load_demo()
        >>> texts = [f"The {noun} to the cabinet [MASK] on the table." for noun in ("keys", "key")]
        >>> sides = sw.beside(*(sw.explain(model, tokenizer, text, "are", "is") for text in texts))
        >>> for sentence in sides.sentences[:3]:
        ...     print(sentence.text)
        logit(are) - logit(is) at [MASK] is +8.0 in A and −5.4 in B: 13.4 more in A.
        They differ in their text: A has *keys*, B has *key*.
        *keys / key* carries 12.4 more in A: +9.0 in A, −3.4 in B.
    """
    for name, given in (("first", first), ("second", second)):
        if not isinstance(given, Explanation):
            raise InputError(f"beside() takes two explanations; the {name} is {shown(given)}.")
    _check_fit(first, second)
    places = tuple(
        places_of(aligned_by_words(a, first.text, b, second.text), len(b.tokens))
        for a, b in zip(first.streams, second.streams, strict=True)
    )
    sides = SideBySide(first, second, ("", ""), places)
    return replace(sides, names=_called(sides, names), sentences=tuple(_sentences(sides)))


def _check_fit(a: Explanation, b: Explanation) -> None:
    """Refuse models whose layers, heads and streams are not the same."""
    told = [_anatomy(one) for one in (a, b)]
    if told[0] == told[1]:
        return
    what = "Parts stand side by side only where both models have the same layers, heads and inputs"
    raise InputError(f"{what}; A ({a.model}) has {_counted(a)}, B ({b.model}) {_counted(b)}.")


def _anatomy(one: Explanation) -> tuple[Any, ...]:
    layers = tuple((layer.stream, layer.key_stream, layer.heads) for layer in one.layers)
    return tuple(stream.name for stream in one.streams), layers


def _counted(one: Explanation) -> str:
    heads = with_and(dict.fromkeys(str(layer.heads) for layer in one.layers)) if one.layers else "no"
    inputs = with_and(stream.name for stream in one.streams)
    return f"{len(one.layers)} layers of {heads} heads, and tokens of {inputs}"


def _called(sides: SideBySide, names: Sequence[str] | None) -> tuple[str, str]:
    """What the sides are called: as given, or by the first thing that differs."""
    if names is not None:
        given: Any = names
        if isinstance(given, str) or len(given) != 2 or not all(isinstance(name, str) for name in given):
            raise InputError(f"names is {shown(names)}; give two words, the name of A and that of B.")
        return given[0], given[1]
    for one, other in _facts(sides):
        if one != other:
            return shortened(one, _NAME), shortened(other, _NAME)
    return "first", "second"


def _facts(sides: SideBySide) -> Iterator[tuple[str, str]]:
    """What may differ, as short as it can be said; the first that does is the name."""
    a, b = sides.sides
    words = _exchanged(sides.words)
    yield words[0] or "shorter", words[1] or "shorter"
    yield _asked(a.score), _asked(b.score)
    yield a.model, b.model
    yield f"rules {a.rules}", f"rules {b.rules}"
    yield tuple(one.reference.label if one.reference else "no reference" for one in (a, b))  # type: ignore[misc]
    yield a.counted, b.counted


def _asked(score: Score) -> str:
    contrast = "" if score.contrast is None else f", not {score.contrast}"
    return score.label if score.target is None else f"{score.target}{contrast}"


def _exchanged(words: Sequence[Sequence[tuple[str, str]]]) -> tuple[str, str]:
    """The words that only one side has."""
    other = [(a, b) for row in words for a, b in row if a != b]
    return ", ".join(a for a, _ in other if a), ", ".join(b for _, b in other if b)


def _sentences(sides: SideBySide) -> Iterator[Sentence]:
    a, b = (side.score for side in sides.sides)
    yield _of_the_scores(a, b)
    yield Sentence("remark", _difference(sides))
    data = sides.dataset
    names = Names(sides.streams, sides.first.layers)
    kinds = ["token", *(["decoder"] if "decoder_effect" in data else []), "head", "mlp"]
    known = {kind: reasons(data, kind) for kind in kinds}
    form = Decimals.of(max(float(np.abs(v[np.isfinite(v)]).max(initial=0.0)) for v, _ in known.values()))
    words: list[_Compared] = []
    parts: list[_Compared] = []
    for kind, (values, tested) in known.items():
        for index in np.ndindex(values.shape[1:]):
            one = tuple(float(values[(side, *index)]) for side in range(3))
            part = _part(kind, index)
            (words if kind in ("token", "decoder") else parts).append((part, one, tested))
    for found in (words, parts):
        yield from islice(_told(found, names, form, sides.places), _TOLD)


def _of_the_scores(a: Score, b: Score) -> Sentence:
    form = Decimals.of(max(abs(a.value), abs(b.value)))
    difference = a.value - b.value
    more = f"{form.signed(abs(difference)).lstrip('+')} more in {'A' if difference > 0 else 'B'}"
    told = "the same" if form.is_zero(difference) else more
    one, other = form.signed(a.value), form.signed(b.value)
    if a.label == b.label:
        return Sentence("score", f"{a.label} is {one} in A and {other} in B: {told}.")
    return Sentence("score", f"A: {a.label} is {one}. B: {b.label} is {other}; {told}.")


def _difference(sides: SideBySide) -> str:
    """What the two were asked differently."""
    a, b = sides.sides
    told = []
    words = _exchanged(sides.words)
    if any(words):
        said = [f"*{shortened(word, 60)}*" if word else "nothing in its place" for word in words]
        told.append(f"their text: A has {said[0]}, B has {said[1]}")
    pairs = (
        ("what is asked", _asked(a.score), _asked(b.score)),
        ("the model", a.model, b.model),
        ("the rules of the edges", a.rules, b.rules),
        ("the graph that is counted", a.granularity, b.granularity),
        ("the level of maxima", a.level, b.level),
        (
            "the reference",
            *(one.reference.label if one.reference is not None else "none" for one in (a, b)),
        ),
        ("the paths", a.paths or "all", b.paths or "all"),
    )
    told += [f"{what}: {one} in A, {other} in B" for what, one, other in pairs if one != other]
    if not told:
        return "Text, target, rules and reference are the same: if anything differs, it is the model itself."
    return f"They differ in {'; in '.join(told)}."


def _part(kind: str, index: tuple[int, ...]) -> Part:
    if kind == "head":
        return Part(layer=index[0], head=index[1])
    if kind == "mlp":
        return Part(layer=index[0], branch="mlp")
    return Part(token=index[0], stream=int(kind == "decoder"))


def _told(
    found: Sequence[_Compared],
    names: Names,
    form: Decimals,
    places: Sequence[Sequence[Place]],
) -> Iterator[Sentence]:
    """What differs most, in order; what rounds to nothing is not told."""

    def size(one: _Compared) -> float:
        a, b, difference = one[1]
        # A part that only one side has differs by all that it carries there.
        return float(np.nan_to_num(abs(difference if np.isfinite(difference) else np.nansum([a, b]))))

    for part, (a, b, difference), tested in sorted(found, key=lambda one: -size(one)):
        if form.is_zero(size((part, (a, b, difference), tested))):
            return
        name = names.part(part)
        name = f"*{name}*" if part.layer is None else name[0].upper() + name[1:]
        verb = "carries" if tested else "carries, as estimated,"
        if part.layer is None and -1 in places[part.stream][part.token or 0]:
            side, value = ("A", a) if places[part.stream][part.token or 0][1] < 0 else ("B", b)
            yield Sentence("words", f"Only {side} has {name}, which {verb} {form.signed(value)}.", (part,))
            continue
        much = form.signed(abs(difference)).lstrip("+")
        more = "A" if difference > 0 else "B"
        both = f"{form.signed(a)} in A, {form.signed(b)} in B"
        yield Sentence("words", f"{name} {verb} {much} more in {more}: {both}.", (part,))
