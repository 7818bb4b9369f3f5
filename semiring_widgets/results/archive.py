"""One result as bytes: a plain zip of arrays and one JSON document, checked before anything is parsed.

`numpy.load` alone can read the arrays (``np.load(path)["token_mass_share"]``), any zip tool the document. The
last 64 characters of a file are the SHA-256 of all bytes before them (they stand in the zip's comment), so
a file that was cut, extended or changed in a single bit is refused before zip, JSON or NumPy see it. Nothing
is compressed: what an entry says of its size is bounded by the file's own, and no archive unfolds into
more than it is. Nothing is unpickled and no code is run.

The document is ASCII: texts with lone surrogates and NUL, which tokenizers do produce, come back exactly.

    >>> import numpy as np
    >>> data = packed({"kind": "example"}, {"x": np.array([1.0, -0.0], np.float32)})
    >>> document, arrays = unpacked(data)
    >>> document["kind"], arrays["x"].tolist()
    ('example', [1.0, -0.0])
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from semiring_widgets.errors import InputError

__all__ = ["MAGIC", "packed", "unpacked"]

MAGIC: Final = b"PK\x03\x04"
_SEAL: Final = b"semiring_widgets sha256 "
_DIGEST: Final = 64  # characters
_DOCUMENT: Final = "semiring_widgets.json"
_ARRAY: Final = ".npy"
# Every file has the same date: equal results are equal bytes.
_DATE: Final = (1980, 1, 1, 0, 0, 0)


def packed(document: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The bytes of a file.

    Args:
        document: JSON types (NaN and infinities are kept) and NumPy scalars.
        arrays: float32, by name.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(document, ensure_ascii=True, default=_plain)
        archive.writestr(zipfile.ZipInfo(_DOCUMENT, _DATE), text.encode("ascii"))
        for name, array in arrays.items():
            entry = io.BytesIO()
            npy.write_array(entry, np.ascontiguousarray(array, "<f4"), version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(name + _ARRAY, _DATE), entry.getvalue())
        archive.comment = _SEAL + bytes(_DIGEST)
    sealed = buffer.getvalue()[:-_DIGEST]
    return sealed + hashlib.sha256(sealed).hexdigest().encode("ascii")


def unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Document and arrays again: the inverse of `packed`, bit for bit.

    Args:
        data: what a file holds.

    Raises:
        InputError: not such a file, or not as it was written; the message is the end of a sentence that
            begins with the file's name.
    """
    if not data.startswith(MAGIC) or data[:-_DIGEST][-len(_SEAL) :] != _SEAL:
        raise InputError("was not written by .save(path), or its end is missing")
    if hashlib.sha256(data[:-_DIGEST]).hexdigest().encode("ascii") != data[-_DIGEST:]:
        raise InputError("was changed or damaged after it was written (its SHA-256 differs)")
    try:
        entries = _entries(data)
        document = json.loads(entries.pop(_DOCUMENT).decode("ascii"))
        arrays = {name.removesuffix(_ARRAY): _array(entry) for name, entry in entries.items()}
    except Exception as error:
        raise InputError(f"has a valid checksum but no valid content ({_first_line(error)})") from error
    if not isinstance(document, dict):
        raise InputError("has a valid checksum but its document is no JSON object")
    return document, arrays


def _entries(data: bytes) -> dict[str, bytes]:
    """The contents by name; refuses whatever `packed` does not write."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        for info in infos:
            name = info.filename.removesuffix(_ARRAY)
            if info.filename != _DOCUMENT and not (name != info.filename and name.isidentifier()):
                raise ValueError(f"the entry {info.filename!r} is no array")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise ValueError(f"the entry {info.filename!r} is compressed")
            if info.flag_bits & 1:
                raise ValueError(f"the entry {info.filename!r} is encrypted")
        if len({info.filename for info in infos}) < len(infos):
            raise ValueError("an entry is there twice")
        if sum(info.file_size for info in infos) > len(data):
            raise ValueError("its entries are larger than the file")
        return {info.filename: archive.read(info) for info in infos}


def _array(entry: bytes) -> NDArray[np.float32]:
    """One ``.npy`` entry; its header is believed only as far as the bytes behind it go."""
    stream = io.BytesIO(entry)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError("an array has an unknown version")
    shape, fortran, dtype = npy.read_array_header_1_0(stream)
    if dtype != np.dtype("<f4") or fortran or any(size < 0 for size in shape):
        raise ValueError("an array is not float32 in C order")
    values = entry[stream.tell() :]
    if math.prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"an array of shape {shape} has {len(values)} bytes")
    # Numbers are of the machine, and may be written to.
    return np.frombuffer(values, dtype).astype(np.float32).reshape(shape)


def _plain(value: Any) -> Any:
    """What JSON does not know: NumPy's scalars."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no JSON")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
