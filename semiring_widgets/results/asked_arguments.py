"""What was asked, as plain data: each argument of the call, in Python and in words.

A result keeps it, so that a view can show its question, change it, and print the call that asks it again.

>>> from semiring_widgets.question import ExplainOptions, Question
>>> asked = arguments_of(Question("Two keys", "are", contrast=7), ExplainOptions(reference="zero"))
>>> print(call_of(asked, [{"layer": 3, "head": 2}]))
sw.explain(
    model,
    tokenizer,
    "Two keys",
    target="are",
    contrast=7,
    reference="zero",
    through=[{"layer": 3, "head": 2}],
)
>>> [(one.name, one.words) for one in asked]
[('text', ('Two keys',)), ('target', ('are',)), ('contrast', ('id:7',)), ('reference', ('zero',))]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Final

import numpy as np

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.question import ExplainOptions, Question
from semiring_widgets.results.parts import Part

__all__ = ["Argument", "Likely", "argument_of_words", "arguments_of", "call_of", "word_or_id"]


@dataclass(frozen=True)
class Argument:
    """One argument of `semiring_widgets.explain` that is not its default.

    Attributes:
        name: of the argument.
        code: its value as Python writes it; where it is an object, a name for it.
        words: its value as a field shows it: one text, or the two of a pair.
        parts: its value, where that is parts of the model.
        own: whether it is an object of the caller's, which words cannot give again.
    """

    name: str
    code: str
    words: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    own: bool = False


@dataclass(frozen=True)
class Likely:
    """What the model would say where it is asked: one of its first choices.

    Attributes:
        text: the token or class.
        words: as a target is written: the word, or ``id:N``.
        probability: 0 to 1.
    """

    text: str
    words: str
    probability: float


_PARTS: Final = ("through", "avoiding")
_NOTHING: Final = asdict(Part())
# A call that is longer than that gets a line for each argument.
_WIDTH: Final = 88


def arguments_of(question: Question, options: ExplainOptions) -> tuple[Argument, ...]:
    """What was given, without what is the default anyway.

    Args:
        question: what was asked.
        options: what should be told.
    """
    found = []
    for given in (question, options):
        for part in fields(given):
            value = getattr(given, part.name)
            if part.default is MISSING or not _same(value, part.default):
                found.append(_argument(part.name, value))
    # Those that a pair of eyes looks for first come first; through and avoiding, which a view adds to, last.
    return tuple(sorted(found, key=lambda one: one.name in _PARTS))


def _argument(name: str, value: Any) -> Argument:
    value = _plain(value)
    if name in _PARTS and (parts := _parts(value)) is not None:
        return Argument(name, _code([_named(part) for part in parts]), parts=parts)
    if not _is_plain(value):
        own = getattr(value, "__name__", "")
        return Argument(name, own if own.isidentifier() else name, (shown(value),), own=True)
    if name in ("target", "contrast") and not isinstance(value, str):
        # Of several ids there is no word for a field.
        several = not isinstance(value, int)
        return Argument(name, _code(value), (shown(value) if several else f"id:{value}",), own=several)
    if name == "text" and (turns := _turns(value)):
        return Argument(name, _code(value), turns, own=True)
    many = value if isinstance(value, (tuple, list)) else (value,)
    return Argument(name, _code(value), tuple(map(str, many)))


def call_of(
    arguments: Sequence[Argument],
    selection: Iterable[Mapping[str, Any]] = (),
    avoiding: Iterable[Mapping[str, Any]] = (),
) -> str:
    """The Python call that asks the same; ``model`` and ``tokenizer`` are the caller's.

    Args:
        arguments: as `arguments_of` gives them.
        selection: parts that the paths pass besides.
        avoiding: parts that they avoid besides.
    """
    given = {one.name: one.code for one in arguments}
    for name, more in zip(_PARTS, (selection, avoiding), strict=True):
        old = next((one.parts for one in arguments if one.name == name), ())
        parts = dict.fromkeys([*old, *(Part(**part) for part in more)])
        if parts:
            given[name] = _code([_named(part) for part in parts])
    written = [
        "model",
        "tokenizer",
        *(code if name == "text" else f"{name}={code}" for name, code in given.items()),
    ]
    line = f"sw.explain({', '.join(written)})"
    if len(line) <= _WIDTH:
        return line
    return "sw.explain(\n" + "".join(f"    {one},\n" for one in written) + ")"


def argument_of_words(name: str, words: Sequence[str]) -> Any:
    """The value of an argument from what stands in a field; nothing there is the default.

    Args:
        name: of the argument.
        words: one text, or the two of a pair.

    Raises:
        InputError: there is no such field, or its words cannot be read.

    >>> argument_of_words("target", ["id:7"]), argument_of_words("position", [""])
    (7, None)
    >>> argument_of_words("text", ["one", "two"])
    ('one', 'two')
    """
    part = _FIELDS.get(name)
    if part is None:
        raise InputError(f"There is no field {shown(name)} to be changed; choose of {', '.join(_FIELDS)}.")
    if len(words) > 1:
        return tuple(words)
    word = words[0] if words else ""
    if name == "text":
        return word
    if not word.strip():
        return None if part.default is MISSING else part.default
    if name in ("target", "contrast"):
        return word_or_id(word)
    if part.metadata.get("type") is int:
        try:
            return int(word)
        except ValueError as error:
            raise InputError(f"{name} is {shown(word)}; give a whole number.") from error
    return word


def word_or_id(word: str) -> str | int:
    """A word, or the number of ``id:N``."""
    number = re.fullmatch(r"id:(\d+)", word)
    return word if number is None else int(number[1])


_FIELDS: Final = {
    part.name: part for kind in (Question, ExplainOptions) for part in fields(kind) if part.name not in _PARTS
}


def _same(one: Any, other: Any) -> bool:
    """Whether a value is a default, which is plain; arrays are compared with nothing."""
    if type(one) is not type(other):
        return False
    return one is other or (isinstance(one, (str, int, tuple, list)) and one == other)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_is_plain, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    return value is None or isinstance(value, (str, int, float, bool))


def _parts(value: Any) -> tuple[Part, ...] | None:
    """Parts of the model that are given as mappings; None where they are something else."""
    many = [value] if isinstance(value, Mapping) else value
    if not isinstance(many, (tuple, list)):
        return None
    found = [{name: _plain(one) for name, one in part.items()} for part in many if isinstance(part, Mapping)]
    known = len(found) == len(many) and all(part.keys() <= _NOTHING.keys() for part in found)
    return tuple(Part(**part) for part in found) if known else None


def _turns(value: Any) -> tuple[str, ...]:
    """What is said in a chat, in one text; nothing where it is none."""
    if not isinstance(value, (tuple, list)) or not all(isinstance(turn, Mapping) for turn in value):
        return ()
    return ("\n".join(f"{turn.get('role', '')}: {turn.get('content', '')}" for turn in value),)


def _named(part: Part) -> dict[str, Any]:
    """What a part names."""
    return {name: value for name, value in asdict(part).items() if value != _NOTHING[name]}


def _code(value: Any) -> str:
    """A plain value as Python writes it, its texts in double quotes."""
    if isinstance(value, str):
        # What JSON escapes is written in the same way in Python.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_code(key)}: {_code(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_code, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_code, value)) + ("," if len(value) == 1 else "") + ")"
    return repr(value)
