"""One run at a time in a folder, by a lock of the operating system: however a process ends, its locks do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semiring_widgets.errors import InputError

__all__ = ["alone_in"]

_LOCK = ".lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder; the file of the lock stays there and says nothing by itself.

    Args:
        folder: it is made if it is not there.

    Raises:
        InputError: another run is at work there, or the folder cannot be written.
    """
    # Torch brings it.
    from filelock import FileLock, Timeout

    lock = FileLock(folder / _LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"Another run is at work in {str(folder)!r}; wait until it has ended, or give another folder."
        ) from error
    except OSError as error:
        raise InputError(
            f"{str(folder)!r} cannot be a folder of results: {error.strerror or error}."
        ) from error
    try:
        yield
    finally:
        lock.release()
