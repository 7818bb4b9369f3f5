"""The rows of a corpus: from a file, a table or a list, each read into one question."""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from semiring_widgets.checks import shown
from semiring_widgets.corpus.token_classes import word_numbers
from semiring_widgets.errors import InputError

__all__ = ["FIELDS", "Row", "Unread", "read_rows", "row_of", "row_or_reason", "writable"]

_SIGNS = {",": "commas", "\t": "tabs"}
# What a row may say, beside classes of its words; only the text must be there.
FIELDS = ("id", "text", "second_text", "target", "contrast", "position", "reference", "group")


@dataclass(frozen=True)
class Row:
    """One question of a corpus.

    Attributes:
        number: its place in the corpus, from 0.
        id: what its owner calls it; the number where nothing was said.
        text: the text, or a chat: a list of messages with ``role`` and ``content``.
        second_text: the second of a pair, or None.
        target: what is asked for: a word, several, an id, or a list of ids; None for the model's choice.
        contrast: what it is compared with, alike, or None.
        position: token whose logits are read, or None.
        reference: as in `semiring_widgets.explain`, a word or a text; None for that of the run.
        group: what rows are compared by, or None.
        classes: by class of the user's own, which words of the text are of it; None where there are none.
    """

    number: int
    id: str
    text: str | list[dict[str, Any]]
    second_text: str | None = None
    target: str | int | list[int] | None = None
    contrast: str | int | list[int] | None = None
    position: int | None = None
    reference: str | None = None
    group: str | None = None
    classes: Mapping[str, list[int]] | None = None

    @property
    def asked(self) -> Any:
        """The text as `semiring_widgets.explain` takes it.

        Raises:
            InputError: a chat beside a second text.
        """
        if self.second_text is None:
            return self.text
        if not isinstance(self.text, str):
            raise InputError("The row has a chat and a second_text; a pair is two strings, so leave one out.")
        return self.text, self.second_text

    @property
    def shown(self) -> str:
        """The text; of a chat, what was written in it, line by line."""
        return (
            self.text if isinstance(self.text, str) else "\n".join(str(m.get("content")) for m in self.text)
        )

    @property
    def digest(self) -> str:
        """Of all it says but its place."""
        said = [getattr(self, name) for name in FIELDS]
        if self.classes is not None:
            said.append(self.classes)
        return _digest(json.dumps(said, ensure_ascii=False))


@dataclass(frozen=True)
class Unread:
    """A row that is no question.

    Attributes:
        number: its place in the corpus, from 0.
        id: what its owner calls it; the number where nothing was said.
        text: the text, if there is one.
        digest: of all it says.
        error: why it is none.
    """

    number: int
    id: str
    text: str | None
    digest: str
    error: InputError


def read_rows(
    source: Any, columns: Mapping[str, str] | None = None, classes: Sequence[str] = ()
) -> list[Mapping[str, Any]]:
    """The rows of a corpus as they stand there.

    Args:
        source: the path of a JSONL, CSV, TSV or Parquet file, a DataFrame of pandas or polars, a
            `pyarrow.Table`, a `datasets.Dataset`, or any iterable of dicts.
        columns: by field (see `FIELDS`) the column that it is read from, where that has another name.
        classes: columns that say which words of a text are of a class.

    Returns:
        A row each: by field what it says, and ``"classes"``, by column.

    Raises:
        InputError: no such file, one that cannot be read, a column that is not there, or none of texts.
    """
    names = dict(columns or {})
    if unknown := names.keys() - set(FIELDS):
        raise InputError(f"columns names {shown(min(unknown))}; choose from {', '.join(FIELDS)}.")
    if isinstance(source, (str, os.PathLike)):
        found = _of_file(Path(source).expanduser())
    elif (listed := _of_table(source)) is not None:
        found = listed
    elif isinstance(source, Iterable) and not isinstance(source, (bytes, Mapping)):
        found = list(source)
    elif (
        isinstance(source, Mapping) and source and all(_of_table(one) is not None for one in source.values())
    ):
        raise InputError(
            f"rows is several tables, {', '.join(map(str, source))}; give one of them, "
            f"rows[{next(iter(source))!r}]."
        )
    else:
        raise InputError(
            f"rows is {shown(source)}; give a JSONL, CSV, TSV or Parquet file, a DataFrame, a "
            f"datasets.Dataset, or a list of dicts."
        )
    if not found:
        raise InputError("The corpus has no rows.")
    for number, one in enumerate(found):
        if not isinstance(one, Mapping):
            raise InputError(f"Row {number} of the corpus is {shown(one)}; give a dict with a text.")
    text = names.setdefault("text", "text")
    named = (*names.values(), *classes)
    if missing := [column for column in named if not any(column in one for one in found)]:
        there = ", ".join(str(name) for name in found[0])
        advice = " Say by columns= (or --text-column) which one holds the texts." if text in missing else ""
        raise InputError(f"No row has a column {shown(missing[0])}; there are {there}.{advice}")
    wanted = {name: names.get(name, name) for name in FIELDS}
    return [
        {name: one[column] for name, column in wanted.items() if column in one}
        | ({"classes": {name: one.get(name) for name in classes}} if classes else {})
        for one in found
    ]


def row_of(given: Mapping[str, Any], number: int) -> Row:
    """One row, checked.

    Args:
        given: by field.
        number: its place.

    Raises:
        InputError: no text, or a field of another kind.
    """
    said = {name: value for name, value in given.items() if not _is_missing(value)}
    found: dict[str, Any] = {"number": number, "id": _name(said.get("id", number))}
    if _is_chat(said.get("text")):
        found["text"] = [dict(message) for message in said["text"]]
    for name in ("text", "second_text", "reference"):
        if name in said and name not in found:
            if not isinstance(said[name], str):
                raise InputError(f"{name} is {shown(said[name])}; give a string.")
            found[name] = said[name]
    if "text" not in found:
        raise InputError("The row has no text.")
    for name in ("target", "contrast"):
        if name in said:
            found[name] = _answer(said[name], name)
    if "position" in said:
        found["position"] = _whole(said["position"], "position")
    if "group" in said:
        found["group"] = _name(said["group"])
    if "classes" in said:
        cells = {name: cell for name, cell in said["classes"].items() if not _is_missing(cell)}
        found["classes"] = {name: word_numbers(cell, name) for name, cell in cells.items()}
    return Row(**found)


def row_or_reason(given: Mapping[str, Any], number: int) -> Row | Unread:
    """The same, of a row that may be none.

    Args:
        given: by field.
        number: its place.
    """
    try:
        return row_of(given, number)
    except InputError as error:
        said = {name: value for name, value in given.items() if not _is_missing(value)}
        text = str(said["text"]) if "text" in said else None
        return Unread(number, _name(said.get("id", number)), text, _digest(repr(sorted(said.items()))), error)


def _digest(said: str) -> str:
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()[:16]


def _name(value: Any) -> str:
    """What a row or a group is called; a column of whole numbers with gaps holds them as floats."""
    return writable(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))


def writable(text: str) -> str:
    r"""A text as a file can hold it: with half a surrogate pair spelled out.

    Args:
        text: any.

    Example:
        >>> print(writable("a\udc00"))
        a\udc00
    """
    return text.encode(errors="backslashreplace").decode()


def _whole(value: Any, name: str) -> int:
    """A whole number; a column with gaps holds it as a float, and a CSV file as a word."""
    if name == "position" and isinstance(value, str) and re.fullmatch("-?[0-9]{1,9}", value.strip()):
        return int(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    wanted = "the number of a token" if name == "position" else "a token as a string, or a whole number"
    raise InputError(f"{name} is {shown(value)}; give {wanted}.")


def _answer(value: Any, name: str) -> str | int | list[int]:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_whole(one, name) for one in value]
    return _whole(value, name)


def _is_chat(value: Any) -> bool:
    """Whether it is a list of messages; Parquet gives it as an array."""
    listed = isinstance(value, (list, tuple, np.ndarray)) and len(value) > 0
    return listed and all(isinstance(message, Mapping) for message in value)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and math.isnan(value))


def _of_table(source: Any) -> list[Any] | None:
    """The rows of a table of polars, Arrow or pandas; None of what is none."""
    found: list[Any] | None = None
    if hasattr(source, "to_dicts"):
        found = source.to_dicts()
    elif hasattr(source, "to_pylist"):
        found = source.to_pylist()
    elif hasattr(source, "to_dict") and hasattr(source, "columns"):
        found = source.astype(object).where(source.notna(), None).to_dict("records")
    return found


def _of_file(path: Path) -> list[Any]:
    readers: dict[str, Callable[[Path], list[Any]]] = {
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".csv": _csv,
        ".tsv": _tsv,
        ".parquet": _parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{str(path)!r} is no {', '.join(readers)} file; convert it to one of these.")
    try:
        return reader(path)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {str(path)!r}.") from error
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror or error}.") from error


def _json_lines(path: Path) -> list[Any]:
    return list(_lines(path))


def _lines(path: Path) -> Iterator[Any]:
    for number, line in enumerate(path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise InputError(f"{str(path)!r} is no JSON in line {number}: {error}.") from error


def _tsv(path: Path) -> list[Any]:
    return _csv(path, "\t")


def _csv(path: Path, between: str = ",") -> list[Any]:
    """As it is written: "NA" is a word, and 007 an id."""
    found: list[Any] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file, delimiter=between, strict=True)
            for one in lines:
                if None in one:
                    raise InputError(
                        f"{str(path)!r} has more fields in line {lines.line_num} than in the first, which "
                        f"names the columns; put texts with {_SIGNS[between]} in double quotes."
                    )
                found.append({name: value or None for name, value in one.items()})
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{str(path)!r} is no CSV file in UTF-8: {error}.") from error
    return found


def _parquet(path: Path) -> list[Any]:
    from semiring_widgets.corpus.files import arrow

    pyarrow, parquet = arrow()
    try:
        found: list[Any] = parquet.read_table(path).to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise InputError(f"{str(path)!r} is no Parquet file: {error}.") from error
    return found
