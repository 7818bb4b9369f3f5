"""Files that are either whole or not there: written beside their destination, then renamed."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from pathlib import Path
from typing import Any

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError

__all__ = ["check_writable", "destination_of", "write_whole"]


def destination_of(path: Any, what: str = "save") -> Path:
    """A path as it was given, with ``~`` as the home folder.

    Args:
        path: a string, bytes or a path object.
        what: the verb of the message.

    Raises:
        InputError: something else, or nothing.
    """
    try:
        text = os.fsdecode(path)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"path is {shown(path)}; give the path of a file to {what}, such as 'result.zip'."
        ) from error
    if not text.strip():
        raise InputError(f"path is {shown(text)}; give the path of a file to {what}, such as 'result.zip'.")
    try:
        os.fsencode(text)
        if "\0" in text:
            raise InputError(f"path is {shown(text)}, and no path holds a NUL; give another.")
        return Path(text).expanduser()
    except (RuntimeError, UnicodeError) as error:  # no home folder; a lone surrogate
        raise InputError(
            f"path is {shown(text)}, which names no file here ({error}); give another."
        ) from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out before a long computation whether its result can be written.

    Args:
        path: the destination; it stays as it is.

    Raises:
        InputError: the folder does not exist or cannot be written, or the path is a folder.
    """
    destination = destination_of(path)
    try:
        if not destination.absolute().parent.is_dir():
            parent = str(destination.parent)
            raise InputError(f"There is no folder {parent!r}; give a path in an existing folder.")
        if not _is_special(destination):
            scratch = _beside(destination)
            try:
                scratch.touch(exist_ok=False)
            finally:
                scratch.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise _refusal(destination, error) from error


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file, at once and as a whole; while that fails, what was there before stays.

    Args:
        path: the destination; an existing file is replaced, a device or pipe is written to.
        data: all of it.

    Raises:
        InputError: the folder does not exist or cannot be written, or the disk is full.
    """
    destination = destination_of(path)
    try:
        if _is_special(destination):
            destination.write_bytes(data)
            return
        place = destination.resolve()  # a link stays one, and what it points to is replaced
        scratch = _beside(place)
        try:
            with scratch.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # some file systems find out only now that they are full
            if place.exists():
                scratch.chmod(stat.S_IMODE(place.stat().st_mode))
            scratch.replace(place)
        finally:
            scratch.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise _refusal(destination, error) from error


def _beside(destination: Path) -> Path:
    """A new name in the same folder; a file of that name has the permissions of any new file.

    Raises:
        InputError: the destination is a folder, or a file that may not be written.
    """
    place = destination.resolve()
    if place.is_dir():
        raise InputError(
            f"Cannot save to {str(destination)!r}: it is a folder. Give the path of a file in it."
        )
    if place.exists() and not os.access(place, os.W_OK):
        raise InputError(f"Cannot save to {str(destination)!r}: the file is read-only. Give another path.")
    # tempfile would make a private file (mode 600), and a saved result should be as readable as any other.
    return place.with_name(f".{uuid.uuid4().hex}.partial")


def _is_special(destination: Path) -> bool:
    """Whether it is a device or a pipe, which can only be written to and never replaced."""
    try:
        mode = destination.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _refusal(destination: Path, error: Exception) -> InputError:
    said = getattr(error, "strerror", None) or error
    full = getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    advice = "Make room" if full else "Give a path in an existing folder that you may write to"
    return InputError(f"Cannot save to {str(destination)!r}: {said}. {advice}.")
