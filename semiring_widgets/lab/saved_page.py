"""The interactive page of a saved result, made in a process of its own.

What is in a file is somebody else's. So the server never parses it: another process does, gets its bytes
and no path, and is ended when it takes too long. It also spares the server the packages that draw.

    >>> sentence_or_page(b"CDF", "ocean.nc")
    (False, "'ocean.nc' was not written by .save(path); give a file that was.")
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from semiring_widgets.errors import InputError, SemiringWidgetsError, sentence_of
from semiring_widgets.results.result import Shown
from semiring_widgets.results.storage import read_bytes

__all__ = ["kinds", "page_elsewhere", "sentence_or_page"]

_PATIENCE: Final = 120.0  # seconds
# How the process ends that says why there is no page; an error of Python's own ends with 1.
_SENTENCE: Final = 3
_SCRIPT: Final = "from semiring_widgets.lab.saved_page import main; main()"


def page_elsewhere(data: bytes, name: str, patience: float = _PATIENCE) -> str:
    """The page, from another process.

    Args:
        data: what the file holds.
        name: what sentences call the file.
        patience: seconds to wait.

    Raises:
        InputError: it is no result, damaged, or takes too long.
    """
    # Nothing is imported from the folder that the server was started in.
    home = Path(__file__).parents[2]
    here = Path.cwd().resolve()
    paths = [str(home), *(path for path in sys.path if path and Path(path).resolve() != here)]
    try:
        done = subprocess.run(  # noqa: S603  (this interpreter, and words of our own)
            [sys.executable, "-c", _SCRIPT, name],
            input=data,
            capture_output=True,
            timeout=patience,
            check=False,
            cwd=home,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"},
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{name!r} was not read within {patience:g} s.") from error
    except OSError as error:
        raise InputError(f"No process could be started to read {name!r} ({error}).") from error
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode != 0:
        raise InputError(
            said[-1] if done.returncode == _SENTENCE and said else f"{name!r} could not be read."
        )
    return done.stdout.decode("utf-8")


def sentence_or_page(data: bytes, name: str) -> tuple[bool, str]:
    """Whether there is a page, and the page or why there is none.

    Args:
        data: what the file holds.
        name: what sentences call the file.
    """
    try:
        result = read_bytes(data, name, {one.kind: one._from_file for one in kinds()})
        # The page that the result itself writes, whatever shows its kind.
        with tempfile.TemporaryDirectory() as folder:
            return True, result.to_html(Path(folder) / "page.html").read_text("utf-8")
    except SemiringWidgetsError as error:
        return False, sentence_of(error)


def kinds() -> tuple[type[Shown], ...]:
    """All that `save` writes."""
    from semiring_widgets.results import Comparison, Explanation, SideBySide
    from semiring_widgets.results.cells import ImageComparison, ImageExplanation, SoundExplanation

    return (Explanation, Comparison, SideBySide, ImageExplanation, ImageComparison, SoundExplanation)


def main() -> None:
    """Read a file from stdin, write its page to stdout; its name is the argument."""
    there, text = sentence_or_page(sys.stdin.buffer.read(), sys.argv[1])
    if not there:
        sys.stderr.write(" ".join(text.split()))
        sys.exit(_SENTENCE)
    sys.stdout.buffer.write(text.encode("utf-8"))
