"""What is asked: which number of the model's output, and what it is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor

from semiring_widgets.checks import whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.families import logits_of
from semiring_widgets.explanation.model_call import ModelCall
from semiring_widgets.explanation.places import Place, answer, gap, next_place
from semiring_widgets.explanation.targets import mask_position, place_in, token_id
from semiring_widgets.explanation.text import Source
from semiring_widgets.results.asked_arguments import Likely
from semiring_widgets.results.parts import Score, Stream
from semiring_widgets.results.visible import visible

__all__ = ["PLACES", "Logits", "index_asked", "score_asked"]

# First choices of the model that are told.
_LIKELY = 5


@dataclass(frozen=True)
class Logits:
    """A score that is read from the logits of an output: one of them, or the difference of two.

    Attributes:
        index: token whose logits are read; None where there is one row of them.
        good: the word or class asked for.
        bad: the one whose logit is subtracted, or None.
        likeliest: the first choices of the model there.
    """

    index: int | None
    good: int
    bad: int | None
    likeliest: tuple[Likely, ...] = ()

    def __call__(self, output: Any) -> Tensor:
        """Of an output of the model, shape (B,)."""
        given = cast(Tensor, logits_of(output))
        row = given if self.index is None else given[:, self.index]
        return row[:, self.good] if self.bad is None else row[:, self.good] - row[:, self.bad]


def score_asked(
    call: ModelCall, family: str, logits: Tensor, target: Any, contrast: Any, position: Any
) -> tuple[Callable[[Any], Tensor], Score]:
    """What is read from the model's output, and how it is called.

    Args:
        call: the model and the text.
        family: see `family_and_logits`.
        logits: what the model says to the text, (1, T, words), (1, T, classes) or (1, classes).
        target: token (or class) asked for.
        contrast: token whose logit is subtracted.
        position: token whose logits are read.

    Returns:
        A function of the model's output, and its name (value not filled in).

    Raises:
        InputError: anything of this that cannot be used as given.
    """
    if family in ("classifier", "token classifier"):
        return _class_question(call, logits, target, contrast, position)
    source, stream = call.source, call.streams[-1]
    index, where = index_asked(source, stream, family, position)
    place = PLACES[family](source, stream, index)
    count = logits.shape[-1]
    good = int(logits[0, index].argmax()) if target is None else token_id(place, target, "target", count)
    bad = None if contrast is None else token_id(place, contrast, "contrast", count)
    name, other = place.label(good), None if bad is None else place.label(bad)
    if bad == good:
        raise InputError(f"target and contrast are the same token, {name!r}; choose another contrast.")

    likely = _likeliest(logits[0, index], place.label, lambda word: token_id(place, word, "target", count))
    score = Score(f"{_label(name, other)} {where}", 0.0, name, other, index)
    return Logits(index, good, bad, likely), score


def _likeliest(logits: Tensor, name: Callable[[int], str], read: Callable[[str], int]) -> tuple[Likely, ...]:
    """The first choices, shape (words or classes,), each as a target is written."""
    # Half precision has no softmax to speak of.
    chances, places = logits.float().softmax(-1).topk(min(_LIKELY, len(logits)))
    found = []
    for number, chance in zip(places.tolist(), chances.tolist(), strict=True):
        text = name(number)
        words = f"id:{number}"
        with suppress(InputError):
            words = text if read(text) == number else words
        found.append(Likely(text, words, chance))
    return tuple(found)


# By family, where a token is asked for.
PLACES: dict[str, Callable[[Source, Stream, int], Place]] = {
    "masked": gap,
    "causal": next_place,
    "encoder-decoder": answer,
}


def index_asked(source: Source, stream: Stream, family: str, position: Any) -> tuple[int, str]:
    """Whose logits are read, and how that is said.

    Args:
        source: the text.
        stream: its tokens, or the decoder's.
        family: see `family_and_logits`.
        position: the token whose logits are read; None for the default of the family.

    Raises:
        InputError: no such place.
    """
    aside = ""
    if position is not None:
        index = place_in(stream, position)
    elif family == "masked":
        index = mask_position(source.tokenizer, stream)
    else:
        index = len(stream.tokens) - 1
        if family == "causal" and 0 < source.appended < len(stream.tokens):
            # What follows the tokenizer's own end sign is nothing that anybody wants to know.
            index -= source.appended
            signs = " ".join(token.text for token in stream.tokens[index + 1 :])
            aside = f", before the tokenizer's {signs}"
    text = stream.tokens[index].text
    if position is not None and Counter(token.text for token in stream.tokens)[text] > 1:
        text += f" (position {index})"
    return index, f"{'at' if family == 'masked' else 'after'} {text}{aside}"


def _class_question(
    call: ModelCall, logits: Tensor, target: Any, contrast: Any, position: Any
) -> tuple[Callable[[Any], Tensor], Score]:
    """The same of a model that sorts the text (logits (1, classes)), or each token (1, T, classes)."""
    index, where = None, ""
    if logits.dim() == 3:
        if position is None:
            raise InputError(
                f"{type(call.model).__name__} sorts every token of the text; say by position= which one is "
                f"asked."
            )
        index, where = index_asked(call.source, call.streams[-1], "masked", position)
    elif position is not None:
        raise InputError("position= was given, but this model classifies the whole text; leave it out.")
    classes = _class_names(call, logits.shape[-1])
    here = logits[0] if index is None else logits[0, index]
    good = int(here.argmax()) if target is None else _class_number(classes, target, "target")
    bad = None if contrast is None else _class_number(classes, contrast, "contrast")
    name, other = _class_label(classes, good), None if bad is None else _class_label(classes, bad)
    if good == bad:
        raise InputError(f"target and contrast are the same class, {name!r}; choose another contrast.")

    told = f"{_label(name, other)} {where}".rstrip()
    likely = _likeliest(
        here, lambda n: _class_label(classes, n), lambda word: _class_number(classes, word, "target")
    )
    return Logits(index, good, bad, likely), Score(told, 0.0, name, other, index)


def _class_names(call: ModelCall, count: int) -> list[str]:
    given = {int(k): str(v) for k, v in (getattr(call.config, "id2label", None) or {}).items()}
    # A head of the user's own is not what the configuration of the model below it names.
    return [given[n] if len(given) == count and n in given else f"class {n}" for n in range(count)]


def _class_number(classes: list[str], asked: Any, what: str) -> int:
    """A class by its name (also in other case, where that is clear) or its number.

    A string is a name first: classes may be called "1" and "0".
    """
    listed = ", ".join(f"{name} ({index})" for index, name in enumerate(classes))
    if isinstance(asked, str):
        for same in (str, str.casefold):
            found = [index for index, name in enumerate(classes) if same(name) == same(asked)]
            if len(found) > 1:
                raise InputError(f"{what} {asked!r} is the name of several classes, {listed}; give a number.")
            if found:
                return found[0]
        if not asked.isdecimal() or int(asked) >= len(classes):
            raise InputError(f"{what} {asked!r} is no class of this model; its classes are {listed}.")
        return int(asked)
    number = whole_number(asked, what, least=None, most=None, wanted="a class by name or number")
    if not 0 <= number < len(classes):
        raise InputError(f"{what} {number} is no class of this model; its classes are {listed}.")
    return number


def _class_label(classes: list[str], number: int) -> str:
    names = [visible(name) for name in classes]
    name = names[number]
    return name if names.count(name) == 1 else f"{name}, class {number}"


def _label(target: str, contrast: str | None) -> str:
    return f"logit({target})" if contrast is None else f"logit({target}) - logit({contrast})"
