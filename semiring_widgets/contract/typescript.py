"""The messages in TypeScript: writes ``js/src/contract.ts`` from the table.

    python -m semiring_widgets.contract.typescript

The names of their fields, which only tests ask for, go to ``js/src/contract-fields.ts``. A test compares both
files with the table, so they cannot be forgotten.

>>> print(type_of(float | None), "|", type_of(tuple[float, ...]), "|", type_of(tuple[Words, ...]))
number | null | readonly (number | null)[] | readonly Words[]
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from semiring_widgets.contract import table
from semiring_widgets.contract.corpus_table import CORPUS_ANSWERS, CORPUS_REQUESTS, CorpusHeader
from semiring_widgets.contract.fields import WORDS_OF_FACTS, Selection
from semiring_widgets.contract.message_kinds import MessageType, Request, Spelled, Words
from semiring_widgets.contract.overlay_types import OverlayHeader
from semiring_widgets.contract.settings import ask_settings
from semiring_widgets.contract.table import ANSWERS, NOTICES, REQUESTS, SUMMARIES
from semiring_widgets.vocabulary import KINDS, RANKED_BY

__all__ = ["sources", "type_of"]

_FOLDER: Final = Path(__file__).parents[2] / "js" / "src"
_HEAD: Final = """\
/**
 * The messages between Python and the page, and what they are made of.
 *
 * Written by `python -m semiring_widgets.contract.typescript` from the table in
 * `semiring_widgets/contract/table.py`: change it there.
 *
 * Numbers travel as columns in one binary buffer; the JSON header says where each begins. NaN (not known
 * yet) is legal in a column only; in the JSON an unknown number is null.
 */
"""
_CORPUS_HEAD: Final = """\
/**
 * The messages between Python and the view of a corpus.
 *
 * Written by `python -m semiring_widgets.contract.typescript` from the table in
 * `semiring_widgets/contract/corpus_table.py`: change it there.
 */
"""
_OVERLAY_HEAD: Final = """\
/**
 * The message to the view of a picture or a sound.
 *
 * Written by `python -m semiring_widgets.contract.typescript` from the table in
 * `semiring_widgets/contract/overlay_types.py`: change it there.
 */
"""
_SELECTION: Final = """\
/** The paths through all of some parts; without any, all paths. */
export type Selection = readonly Part[];"""
_WIDTH: Final = 110
_PLAIN: Final = {
    str: "string",
    int: "number",
    bool: "boolean",
    float: "number | null",
    NoneType: "null",
    Any: "unknown",
}


def sources() -> dict[Path, str]:
    """All files, by where they belong."""
    return {
        _FOLDER / "contract.ts": _contract(),
        _FOLDER / "contract-fields.ts": _fields(),
        _FOLDER / "ask" / "settings.ts": ask_settings(_WIDTH),
        _FOLDER / "corpus" / "contract.ts": _corpus(),
        _FOLDER / "image" / "contract.ts": _overlay(),
    }


def _contract() -> str:
    facts = list(_facts())
    at_once = [name for name, kind in REQUESTS.items() if kind.at_once]
    words = {"KINDS": KINDS, "SUMMARIES": SUMMARIES, "ANSWERS": ANSWERS, "AT_ONCE": at_once}
    unions = {
        "Summary": _names(SUMMARIES),
        "Answer": _names(ANSWERS),
        "Incoming": ["Answer", "Summary"],
        "Request": _names(REQUESTS),
        "Notice": _names(NOTICES),
    }
    parts = [
        _HEAD,
        f"export const VERSION = {table.VERSION};",
        "\n".join(_list(f"export const {name} = ", of, " as const;") for name, of in words.items()),
        _union_of_words(facts),
        f"/** What routes are ranked by, in words. */\nexport const RANKED_BY = {_object(RANKED_BY)};",
        _SELECTION,
        *map(_interface, facts),
        "\n".join(_union(name, members) for name, members in unions.items()),
        _answers("AnswerTo", REQUESTS),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def type_of(hint: Any) -> str:
    """A Python type as a type of TypeScript.

    Args:
        hint: an annotation of the table.

    Raises:
        TypeError: it has no counterpart.
    """
    if get_origin(hint) is Annotated:
        kind, *notes = get_args(hint)
        for note in notes:
            if isinstance(note, Spelled):
                return note.type
            if isinstance(note, Words):
                return note.name + (" | null" if NoneType in get_args(kind) else "")
    if hint == Selection:
        return "Selection"
    if get_origin(hint) in {Union, UnionType}:
        return " | ".join(dict.fromkeys(" | ".join(map(type_of, get_args(hint))).split(" | ")))
    if get_origin(hint) is tuple:
        of = type_of(get_args(hint)[0])
        return f"readonly ({of})[]" if " " in of else f"readonly {of}[]"
    if dataclasses.is_dataclass(hint):
        return str(getattr(hint, "__name__", hint))
    if hint in _PLAIN:
        return _PLAIN[hint]
    raise TypeError(f"{hint!r} has no counterpart in TypeScript.")


def _corpus() -> str:
    """The messages of the view of a corpus; what they share with the others is imported."""
    messages: tuple[type, ...] = (CorpusHeader, *CORPUS_ANSWERS.values(), *CORPUS_REQUESTS.values())
    facts = [kind for kind in _made_of(messages) if kind not in set(_facts())]
    unions = {"CorpusAnswer": _names(CORPUS_ANSWERS), "CorpusRequest": _names(CORPUS_REQUESTS)}
    parts = [
        _CORPUS_HEAD,
        'import type { Column } from "../contract";',
        *map(_interface, facts),
        "\n".join(_union(name, members) for name, members in unions.items()),
        _answers("CorpusAnswerTo", CORPUS_REQUESTS),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _overlay() -> str:
    """The message to the view of a picture or a sound; what it shares with the others is imported."""
    facts = [kind for kind in _made_of((OverlayHeader,)) if kind not in set(_facts())]
    parts = [
        _OVERLAY_HEAD,
        'import type { Column, Score, Sentence } from "../contract";',
        *map(_interface, facts),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _facts() -> Iterator[type]:
    """All dataclasses of the messages about one text, what they are made of first."""
    messages = (*SUMMARIES.values(), *ANSWERS.values(), *REQUESTS.values(), *NOTICES.values())
    return _made_of((*messages, table.Prepared, table.Page, table.Packed))


def _made_of(messages: Iterable[type]) -> Iterator[type]:
    seen: dict[type, None] = {}

    def visit(kind: type) -> None:
        for hint in _hints(kind).values():
            for inner in _inside(hint):
                visit(inner)
        seen[kind] = None

    for one in messages:
        visit(one)
    return iter(seen)


def _inside(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
    for part in get_args(hint):
        yield from _inside(part)


def _hints(kind: type) -> dict[str, Any]:
    """The types of the fields of a dataclass, by name."""
    hints = get_type_hints(kind, include_extras=True)
    names = [field.name for field in dataclasses.fields(kind)]
    # The connection numbers the requests.
    names = [name for name in names if not (issubclass(kind, Request) and name == "id")]
    words = WORDS_OF_FACTS
    return {
        name: Annotated[hints[name], words[kind, name]] if (kind, name) in words else hints[name]
        for name in names
    }


def _interface(kind: type) -> str:
    summary, notes = _described(kind)
    lines = [f"/** {summary} */", f"export interface {kind.__name__} {{"]
    if issubclass(kind, MessageType):
        lines.append(f'  type: "{kind.type}";')
    for name, hint in _hints(kind).items():
        if name in notes:
            lines.append(f"  /** {notes[name]} */")
        lines.append(f"  {name}: {type_of(hint)};")
    return "\n".join([*lines, "}"])


def _described(kind: type) -> tuple[str, dict[str, str]]:
    """The first sentences of a docstring, and what it says of each field; of what is inherited, too."""
    notes: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        _, _, attributes = (one.__dict__.get("__doc__") or "").partition("Attributes:\n")
        for name, text in re.findall(r"^        (\w+): (.+(?:\n {12}.+)*)", attributes, re.M):
            notes[name] = _sentence(text)
    return _sentence((kind.__doc__ or "").split("\n\n")[0]), notes


def _sentence(text: str) -> str:
    words = " ".join(text.split()).replace("``", "`").replace("None", "null")
    return f"{words[0].upper()}{words[1:]}" if words.endswith(".") else f"{words[0].upper()}{words[1:]}."


def _union_of_words(facts: Sequence[type]) -> str:
    found: dict[str, Words] = {}
    for kind in facts:
        for hint in _hints(kind).values():
            for words in _words(hint):
                found[words.name] = words
    return "\n".join(_union(words.name, [_quoted(word) for word in words.words]) for words in found.values())


def _words(hint: Any) -> Iterator[Words]:
    if get_origin(hint) is Annotated:
        yield from (note for note in hint.__metadata__ if isinstance(note, Words))
    for part in get_args(hint):
        yield from _words(part)


def _names(kinds: Any) -> list[str]:
    return [kind.__name__ for kind in kinds.values()]


def _union(name: str, members: Sequence[str]) -> str:
    line = f"export type {name} = {' | '.join(members)};"
    if len(line) <= _WIDTH:
        return line
    return f"export type {name} =\n" + "\n".join(f"  | {member}" for member in members) + ";"


def _list(before: str, words: Iterable[str], after: str) -> str:
    """A list in one line, or with a line for each word, as biome would have it."""
    words = [_quoted(word) for word in words]
    line = f"{before}[{', '.join(words)}]{after}"
    if len(line) <= _WIDTH:
        return line
    space = " " * (len(before) - len(before.lstrip()))
    return f"{before}[\n" + "".join(f"{space}  {word},\n" for word in words) + f"{space}]{after}"


def _quoted(word: str) -> str:
    return f'"{word}"'


def _object(words: Any) -> str:
    return "{\n" + "".join(f'  {key}: "{word}",\n' for key, word in words.items()) + "} as const"


def _answers(of: str, requests: Mapping[str, type[Request]]) -> str:
    lines = [
        f"  {name}: {'never' if kind.answer is None else kind.answer.__name__};"
        for name, kind in requests.items()
    ]
    return "\n".join(
        [
            "/** What each request is answered with, unless with an error. */",
            f"export interface {of} {{",
            *lines,
            "}",
        ]
    )


def _fields() -> str:
    rows = []
    for name, kind in {**SUMMARIES, **ANSWERS}.items():
        words = _quoted(" ".join(("type", *_hints(kind))))
        row = f"  {name}: {words},"
        rows.append(row if len(row) <= _WIDTH else f"  {name}:\n    {words},")
    head = (
        "/** The names of the fields of what comes in, for the tests; written with `contract.ts`. */",
        "",
        'import type { Incoming } from "./contract";',
        "",
        'export const FIELDS: Record<Incoming["type"], string> = {',
    )
    return "\n".join([*head, *rows, "};"]) + "\n"


if __name__ == "__main__":
    for file, text in sources().items():
        file.write_text(text, encoding="utf-8")
    sys.stdout.write(
        f"{_FOLDER}: {len(SUMMARIES) + len(ANSWERS)} types come in, {len(REQUESTS) + len(NOTICES)} go out\n"
    )
