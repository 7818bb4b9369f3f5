"""Results on disk: one netCDF file that xarray alone can open.

The numbers are ordinary netCDF variables. What is not a number (text, tokens, routes, totals) is one
JSON document in the variable ``semiring_widgets_json``, stored as bytes: netCDF attributes are limited
to 64 kB and refuse some strings (NUL, lone surrogates), which tokenizers do produce; ASCII JSON in a
byte array takes them all and comes back exactly.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.atomic import replacing

__all__ = ["FORMAT_VERSION", "read", "write"]

FORMAT_VERSION: Final = 1
_DOCUMENT: Final = "semiring_widgets_json"
_DOCUMENT_DIM: Final = "semiring_widgets_json_byte"


def write(path: str | os.PathLike[str], kind: str, header: dict[str, Any], dataset: xr.Dataset) -> None:
    """Write one result.

    Args:
        path: destination; an existing file is replaced.
        kind: what the file holds, ``"explanation"`` or ``"comparison"``.
        header: everything that is no array; JSON types only (NaN and infinities are kept).
        dataset: the arrays. Numeric variables are compressed.

    Raises:
        InputError: the folder does not exist or cannot be written.
    """
    document = {
        "format": "semiring_widgets",
        "version": FORMAT_VERSION,
        "kind": kind,
        **header,
    }
    data = np.frombuffer(json.dumps(document, ensure_ascii=True).encode("ascii"), np.uint8)
    dataset = dataset.assign({_DOCUMENT: (_DOCUMENT_DIM, data)})
    encoding = {
        name: {"compression": "gzip", "compression_opts": 4}
        for name, variable in dataset.data_vars.items()
        if variable.size > 256 and variable.dtype.kind in "fiu"
    }
    with replacing(path) as scratch:
        dataset.to_netcdf(scratch, engine="h5netcdf", encoding=encoding)


def read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], xr.Dataset]:
    """Read one result back.

    Args:
        path: a file written by `write`.
        kind: what the caller expects, ``"explanation"`` or ``"comparison"``.

    Returns:
        The header and the dataset (in memory; the file is closed).

    Raises:
        InputError: no such file, not a file of this package, of a newer version, or of another kind.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"There is no file {str(source)!r}; give the path that .save(path) wrote.")
    try:
        with xr.open_dataset(source, engine="h5netcdf", decode_times=False) as opened:
            dataset = opened.load()
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{str(source)!r} is not a readable netCDF file ({error}); give a file that .save(path) wrote."
        ) from error
    if _DOCUMENT not in dataset:
        raise InputError(
            f"{str(source)!r} is a netCDF file but was not written by semiring_widgets; "
            "open it with xarray.open_dataset instead."
        )
    header: dict[str, Any] = json.loads(dataset[_DOCUMENT].values.tobytes().decode("ascii"))
    if header["version"] > FORMAT_VERSION:
        raise InputError(
            f"{str(source)!r} has format version {header['version']}, this installation reads up to "
            f"{FORMAT_VERSION}; update semiring_widgets."
        )
    if header["kind"] != kind:
        readers = {
            "explanation": "semiring_widgets.load",
            "comparison": "Comparison.load",
        }
        raise InputError(
            f"{str(source)!r} holds a result of kind {header['kind']!r}, not {kind!r}; read it with "
            f"{readers.get(header['kind'], 'the class that wrote it')}(path)."
        )
    return header, dataset.drop_vars(_DOCUMENT)
