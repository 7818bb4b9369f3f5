"""Results on disk: written whole or not at all, checked before they are parsed and before they are used.

What a file looks like is told in `archive`; files of the first format, which were netCDF, are read by
`old_format`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.results import archive, old_format
from semiring_widgets.results.atomic import destination_of, write_whole

__all__ = ["FORMAT_VERSION", "read", "read_bytes", "write"]

# 4: streams know their segments.
FORMAT_VERSION: Final = 4
_FORMAT: Final = "semiring_widgets"
_READERS: Final = {
    "explanation": "semiring_widgets.load",
    "comparison": "Comparison.load",
    "beside": "semiring_widgets.SideBySide.load",
    "image": "semiring_widgets.ImageExplanation.load",
    "image_comparison": "semiring_widgets.ImageComparison.load",
    "sound": "semiring_widgets.SoundExplanation.load",
}

T = TypeVar("T")
Build: TypeAlias = Callable[[dict[str, Any], dict[str, NDArray[np.float32]]], T]


def write(
    path: str | os.PathLike[str],
    kind: str,
    header: Mapping[str, Any],
    arrays: Mapping[str, NDArray[np.float32]],
    build: Build[Any],
) -> None:
    """Write one result.

    Args:
        path: destination; an existing file is replaced.
        kind: what the file holds, ``"explanation"`` or ``"comparison"``.
        header: everything that is no array; JSON types only (NaN and infinities are kept).
        arrays: the numbers, by name.
        build: as for `read`; asked here, too, so that no file is written that could not be read.

    Raises:
        InputError: the file cannot be written, or what is to be written does not fit together.
    """
    destination = destination_of(path)
    facts = {"format": _FORMAT, "version": FORMAT_VERSION, "kind": kind, **header}
    try:
        data = archive.packed(facts, arrays)
        _built(data, {kind: build})
    except (InputError, TypeError, ValueError) as error:
        raise InputError(f"This {kind} cannot be saved: it {error}; compute it again.") from error
    write_whole(destination, data)


def read(path: str | os.PathLike[str], kind: str, build: Build[T]) -> T:
    """Read one result back.

    Args:
        path: a file written by `write`.
        kind: what the caller expects, ``"explanation"`` or ``"comparison"``.
        build: makes the result of header and arrays, and checks it: raises an `InputError` with the end of
            a sentence.

    Returns:
        The result; the file is closed.

    Raises:
        InputError: no such file, not a file of this package, changed since it was written, of a newer
            version, or of another kind.
    """
    source = destination_of(path, "load")
    try:
        return _built(_bytes(source), {kind: build})
    except FileNotFoundError as error:
        message = f"There is no file {str(source)!r}; give the path that .save(path) wrote."
        raise InputError(message) from error
    except InputError as error:
        raise InputError(f"{str(source)!r} {error}.") from error


def read_bytes(data: bytes, name: str, builds: Mapping[str, Build[T]]) -> T:
    """Read a result of any of several kinds from what a file holds.

    Args:
        data: the bytes.
        name: what sentences call the file.
        builds: as for `read`, by kind.

    Raises:
        InputError: as for `read`.
    """
    try:
        _check_start(data)
        return _built(data, builds)
    except InputError as error:
        raise InputError(f"{name!r} {error}.") from error


def _built(data: bytes, builds: Mapping[str, Build[T]]) -> T:
    if data.startswith(old_format.MAGIC):
        data = old_format.converted(data)
    header, arrays = archive.unpacked(data)
    facts = [header.pop(name, None) for name in ("format", "version", "kind")]
    if facts[0] != _FORMAT or type(facts[1]) is not int:
        raise InputError("is no file of semiring_widgets; give one that .save(path) wrote")
    if facts[1] > FORMAT_VERSION:
        raise InputError(
            f"has format version {shown(facts[1])} and was written by a newer version of semiring_widgets; "
            f"this one reads up to {FORMAT_VERSION}: update it"
        )
    kind, wanted = facts[2], " or ".join(repr(one) for one in builds)
    if not isinstance(kind, str) or kind not in builds:
        reader = _READERS.get(str(facts[2]), "the class that wrote it")
        raise InputError(
            f"holds a result of kind {shown(facts[2])}, not {wanted}; read it with {reader}(path)"
        )
    try:
        return builds[kind](header, arrays)
    except InputError as error:
        raise InputError(f"holds no usable {kind}: {error}") from error


def _bytes(source: Path) -> bytes:
    """What the file holds; its first bytes are looked at before the others are read."""
    try:
        if not stat.S_ISREG(source.stat().st_mode):
            what = "is a folder" if source.is_dir() else "is no ordinary file"
            raise InputError(f"{what}; give the path that .save(path) wrote")
        with source.open("rb") as file:
            start = file.read(len(old_format.MAGIC))
            _check_start(start)
            return start + file.read()
    except FileNotFoundError:
        raise
    except MemoryError as error:
        raise InputError("is larger than the memory") from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from error


def _check_start(start: bytes) -> None:
    """Refuse what no file of ours begins with."""
    if not start:
        raise InputError("is empty; give a file that .save(path) wrote")
    if not start.startswith((archive.MAGIC, old_format.MAGIC)):
        raise InputError("was not written by .save(path); give a file that was")
