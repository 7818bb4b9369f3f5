"""The message contract, Python's side: results as a small JSON header and one binary buffer.

Numbers travel as *columns*: float32 or uint8 arrays, little endian, one after the other in one buffer; the
header says where each begins. NaN (not known yet) is legal in a column and never appears in the JSON,
where an unknown number is null. The same messages go to a live widget and into an exported page;
``js/src/contract.ts`` has their types under the same names.

    >>> import numpy as np
    >>> columns, buffer = pack({"scores": np.array([[1.0, 2.0]], np.float32)})
    >>> columns
    [{'name': 'scores', 'shape': [1, 2], 'dtype': 'float32', 'offset': 0, 'nbytes': 8}]
    >>> unpack(columns, buffer)["scores"].tolist()
    [[1.0, 2.0]]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.visible import token_label
from semiring_widgets.vocabulary import KINDS

if TYPE_CHECKING:
    import xarray as xr

    from semiring_widgets.results.explanation import Explanation
    from semiring_widgets.results.parts import Status, Stream
    from semiring_widgets.results.rankings import Ranking

__all__ = [
    "CONDITIONED",
    "TOTALS",
    "VERSION",
    "Message",
    "conditioned",
    "encode",
    "failure",
    "head_map",
    "pack",
    "routes",
    "sendable",
    "starting",
    "unpack",
]

VERSION: Final = 1
CONDITIONED: Final = (
    "node_mass_share",
    "branch_mass_share",
    "head_mass_share",
    "token_mass_share",
    "node_best_log_weight",
    "branch_best_log_weight",
    "head_best_log_weight",
    "token_best_log_weight",
    "token_statistic",
    "node_statistic",
    "branch_statistic",
    "head_statistic",
)
TOTALS: Final = ("log_mass", "entropy", "best_log_weight", "best_sign", "log_cancellation")
_ALIGNMENT: Final = 4  # JavaScript's Float32Array wants offsets that are multiples of its item size

Message: TypeAlias = tuple[dict[str, Any], bytes]
Column: TypeAlias = dict[str, Any]


def encode(result: Explanation | Comparison, revision: int) -> Message:
    """One summary: everything the first picture needs.

    Args:
        result: an explanation or a comparison, finished or not.
        revision: number of this summary; the front end ignores older ones.

    Returns:
        The JSON header and its buffer. ``map_mass_share`` is left out: head maps are asked for one by one.
    """
    if isinstance(result, Comparison):
        return _comparison(result, revision)
    return _explanation(result, revision)


def starting(kind: str, text: str, model: str, status: Status, revision: int) -> Message:
    """The summary of a computation that has given nothing yet: no tokens, no layers, only its status.

    Args:
        kind: ``"explanation"`` or ``"comparison"``.
        text: the text, as far as known.
        model: name of the model's class, as far as known.
        status: how far it is, or why it failed.
        revision: number of this summary.
    """
    header: dict[str, Any] = {
        "type": kind,
        "version": VERSION,
        "revision": revision,
        "text": text,
        "model": model,
        "score": {"label": "", "value": None, "target": None, "contrast": None, "position": None},
        "streams": [{"name": "input", "tokens": []}],
        "status": asdict(status),
        "columns": [],
    }
    if kind == "comparison":
        header |= {"methods": [], "top_k": 0}
    else:
        totals = dict.fromkeys(TOTALS)
        header |= {
            "granularity": "",
            "level": "",
            "layers": [],
            "totals": totals,
            "rankings": [],
            "statistics": [],
        }
    return _clean(header), b""


def conditioned(
    request_id: int,
    selection: Sequence[Mapping[str, Any]],
    dataset: xr.Dataset,
    log_share: float,
) -> Message:
    """The answer to ``condition``: the flow of the paths through the selection.

    Args:
        request_id: the request's id.
        selection: the parts that were selected, as asked.
        dataset: the variables named in `CONDITIONED`, and totals of these paths among its attributes.
        log_share: natural log of the share of all mass that passes through it; -inf, null in the message,
            where no path does.
    """
    columns, buffer = pack({name: dataset[name].values for name in CONDITIONED if name in dataset})
    header = {
        "type": "conditioned",
        "id": request_id,
        "selection": [dict(part) for part in selection],
        "log_share": log_share,
        "totals": {name: dataset.attrs.get(name) for name in TOTALS},
        "columns": columns,
    }
    return _clean(header), buffer


def routes(request_id: int, by: str, selection: Sequence[Mapping[str, Any]], ranking: Ranking) -> Message:
    """The answer to ``routes``: one ranking of the routes of the paths through the selection.

    Args:
        request_id: the request's id.
        by: the ranking asked for.
        selection: the parts that were selected, as asked.
        ranking: the routes.
    """
    header = {
        "type": "routes",
        "id": request_id,
        "by": by,
        "selection": [dict(part) for part in selection],
        "ranking": asdict(ranking),
    }
    return _clean(header), b""


def head_map(
    request_id: int,
    layer: int,
    head: int,
    shares: NDArray[np.float32],
    selection: Sequence[Mapping[str, Any]] = (),
) -> Message:
    """The answer to ``head_map``: one head's shares between tokens, in one byte each.

    A byte is ``255 · sqrt(share / peak)``, with a peak per kind: the square root keeps small shares
    visible. NaN becomes 0.

    Args:
        request_id: the request's id.
        layer: index of the layer.
        head: index of the head.
        shares: shape (3 kinds: query, key, value; query tokens; key tokens), shares 0-1.
        selection: the parts whose paths are meant; none for all paths.
    """
    shares = np.nan_to_num(np.asarray(shares, np.float32), nan=0.0)
    peaks = shares.max(axis=(1, 2), initial=0.0)
    scale = np.where(peaks > 0, peaks, 1.0)[:, None, None]
    scaled = np.rint(255 * np.sqrt(shares / scale)).astype(np.uint8)
    columns, buffer = pack({"map": scaled})
    header = {
        "type": "head_map",
        "id": request_id,
        "layer": layer,
        "head": head,
        "selection": [dict(part) for part in selection],
        "kinds": list(KINDS),
        "peak": [float(peak) for peak in peaks],
        "columns": columns,
    }
    return _clean(header), buffer


def failure(request_id: int, message: str) -> Message:
    """The answer to a request that cannot be met: one sentence."""
    return _clean({"type": "error", "id": request_id, "message": message}), b""


def pack(arrays: Mapping[str, NDArray[Any]]) -> tuple[list[Column], bytes]:
    """Columns and their buffer.

    Args:
        arrays: uint8 arrays stay as they are, all others become float32.

    Returns:
        One entry per array (name, shape, dtype, offset and nbytes in the buffer), and the buffer. Offsets
        are multiples of 4.
    """
    columns: list[Column] = []
    buffer = bytearray()
    for name, array in arrays.items():
        dtype = "uint8" if array.dtype == np.uint8 else "float32"
        data = np.ascontiguousarray(array, np.dtype(dtype).newbyteorder("<")).tobytes()
        columns.append(
            {
                "name": name,
                "shape": list(array.shape),
                "dtype": dtype,
                "offset": len(buffer),
                "nbytes": len(data),
            }
        )
        buffer += data
        buffer += bytes(-len(buffer) % _ALIGNMENT)
    return columns, bytes(buffer)


def unpack(columns: list[Column], buffer: bytes) -> dict[str, NDArray[Any]]:
    """The arrays again: the inverse of `pack`."""
    return {
        column["name"]: np.frombuffer(
            buffer,
            np.dtype(column["dtype"]).newbyteorder("<"),
            count=math.prod(column["shape"]),
            offset=column["offset"],
        ).reshape(column["shape"])
        for column in columns
    }


def sendable(text: str) -> str:
    r"""The text with lone surrogates replaced.

    Tokenizers do produce them, and neither a notebook nor a file can take them: they have no UTF-8 form.

    Args:
        text: any text.

    >>> sendable("\ud83d\ude00 and \ud83d")
    '😀 and �'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _explanation(result: Explanation, revision: int) -> Message:
    columns, buffer = pack(
        {
            str(name): variable.values
            for name, variable in result.dataset.data_vars.items()
            if name != "map_mass_share"
        }
    )
    header = {
        "type": "explanation",
        "version": VERSION,
        "revision": revision,
        "text": result.text,
        "model": result.model,
        "granularity": result.granularity,
        "level": result.level,
        "score": asdict(result.score),
        "streams": _streams(result.streams),
        "layers": [asdict(layer) for layer in result.layers],
        "totals": asdict(result.totals),
        "status": asdict(result.status),
        "rankings": [asdict(ranking) for ranking in result.rankings],
        "statistics": [asdict(statistic) for statistic in result.statistics],
        "columns": columns,
    }
    return _clean(header), buffer


def _comparison(result: Comparison, revision: int) -> Message:
    columns, buffer = pack(
        {str(name): variable.values for name, variable in result.dataset.data_vars.items()}
    )
    header = {
        "type": "comparison",
        "version": VERSION,
        "revision": revision,
        "text": result.text,
        "model": result.model,
        "score": asdict(result.score),
        "streams": _streams(result.streams),
        "status": asdict(result.status),
        "methods": [asdict(method) for method in result.methods],
        "top_k": result.top_k,
        "columns": columns,
    }
    return _clean(header), buffer


def _streams(streams: tuple[Stream, ...]) -> list[dict[str, Any]]:
    return [
        {"name": stream.name, "tokens": [{**asdict(t), "text": token_label(t)} for t in stream.tokens]}
        for stream in streams
    ]


def _clean(value: Any) -> Any:
    """JSON that every host accepts: no NaN or infinity, no NumPy scalars, no lone surrogates."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    if isinstance(value, str):
        return sendable(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
