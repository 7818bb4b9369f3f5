"""Files of the first format, which were netCDF: read by h5py in a process of their own.

The HDF5 library was not made for files that somebody else made up: it follows links to other files, allocates
what a file declares, and on some damaged files it crashes or never returns, holding the interpreter's
lock. So it never runs in the user's process. The process here gets the bytes (no path: nothing beside them
can be opened by it), looks at what the file declares before it reads any number, and gives the same
result as an archive of the present format, which is then checked like any other file.

These files have no checksum: a changed number in one cannot be noticed.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from semiring_widgets.errors import InputError
from semiring_widgets.results.archive import packed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAGIC", "converted", "main"]

MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_DOCUMENT: Final = "semiring_widgets_json"
_PATIENCE: Final = 60.0  # seconds; a good file takes less than one
# Deflate makes at most 1032 bytes out of one.
_DEFLATE: Final = 1032
_FILTERS: Final = {1, 2, 3}  # deflate, shuffle, checksum
_SCRIPT: Final = "from semiring_widgets.results.old_format import main; main()"


def converted(data: bytes, patience: float = _PATIENCE) -> bytes:
    """A file of the first format as one of the present format.

    Args:
        data: what the file holds.
        patience: seconds to wait for the process that reads it.

    Raises:
        InputError: it cannot be read; the message is the end of a sentence that begins with the file's name.
    """
    try:
        done = subprocess.run(  # noqa: S603  (this interpreter, and words of our own)
            [sys.executable, "-c", _SCRIPT],
            input=data,
            capture_output=True,
            timeout=patience,
            check=False,
            # The same packages, wherever this interpreter found them.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"is a damaged netCDF file (not read within {patience:g} s)") from error
    except OSError as error:
        raise InputError(f"is a netCDF file, and no process could be started to read it ({error})") from error
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    reason = said[-1] if done.returncode == 1 and said else "the HDF5 library failed"
    raise InputError(f"is a netCDF file that cannot be read: {reason[:300]}")


def main() -> None:
    """Read a file from stdin and write it to stdout in the present format; say what is wrong on stderr."""
    data = sys.stdin.buffer.read()
    try:
        result = _read(data)
    except Exception as error:  # noqa: BLE001  (h5py may fail in any way)
        lines = str(error).strip().splitlines()
        sys.exit(lines[0] if lines else type(error).__name__)
    sys.stdout.buffer.write(result)


def _read(data: bytes) -> bytes:
    import h5py

    arrays: dict[str, NDArray[Any]] = {}
    with h5py.File(io.BytesIO(data), "r") as file:
        if _DOCUMENT not in file:
            raise ValueError("it was not written by semiring_widgets; open it with xarray.open_dataset")
        for name in file:
            if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{name} is a link to something else")
            if file.get(name, getclass=True) is not h5py.Dataset:
                raise ValueError(f"{name} is no array")
            variable = file[name]
            # Axes and their labels are known without the file.
            if name == _DOCUMENT or variable.attrs.get("CLASS") != b"DIMENSION_SCALE":
                _check(name, variable, len(data))
                arrays[name] = variable[...]
    document = json.loads(arrays.pop(_DOCUMENT).tobytes().decode("ascii"))
    return packed(document, arrays)


def _check(name: str, variable: Any, size: int) -> None:
    """Refuse what this package never wrote, by what the file declares."""
    if variable.dtype != (np.uint8 if name == _DOCUMENT else np.float32):
        raise ValueError(f"{name} is of type {variable.dtype}")
    if variable.external or variable.is_virtual:
        raise ValueError(f"the numbers of {name} are in another file")
    plan = variable.id.get_create_plist()
    filters = {plan.get_filter(number)[0] for number in range(plan.get_nfilters())}
    if not filters <= _FILTERS:
        raise ValueError(f"{name} has an unknown filter")
    stored = variable.id.get_storage_size()
    if stored > size or variable.nbytes > stored * (_DEFLATE if filters else 1):
        raise ValueError(f"{name} declares {variable.nbytes} bytes and has {stored}")
