"""Files that are either whole or not there: written beside their destination, then renamed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semiring_widgets.errors import InputError

__all__ = ["replacing"]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a scratch file to write, and put it in the place of ``path`` if the block succeeds.

    Args:
        path: the destination; an existing file is replaced, at once and as a whole.

    Yields:
        An empty file in the same folder, with the permissions of any new file.

    Raises:
        InputError: the folder does not exist or cannot be written, or the disk is full.
    """
    destination = Path(path)
    # tempfile would make a private file (mode 600), and a saved result should be as readable as any other.
    scratch = destination.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        scratch.touch(exist_ok=False)
        yield scratch
        scratch.replace(destination)
    except OSError as error:
        raise InputError(
            f"Cannot save to {str(destination)!r}: {error.strerror or error}. "
            "Give a path in an existing folder that you may write to."
        ) from error
    finally:
        scratch.unlink(missing_ok=True)
