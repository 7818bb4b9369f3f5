"""The message contract, Python's side: results as a small JSON header and one binary buffer.

Numbers travel as *columns*: float32 or uint8 arrays, little endian, one after the other in one buffer; the
header says where each begins. NaN (not known yet) is legal in a column and never appears in the JSON,
where an unknown number is null. The same messages go to a live widget and into an exported page; `table`
has their types.

    >>> import numpy as np
    >>> columns, buffer = pack({"scores": np.array([[1.0, 2.0]], np.float32)})
    >>> columns
    (Column(name='scores', shape=(1, 2), dtype='float32', offset=0, nbytes=8),)
    >>> unpack([asdict(column) for column in columns], buffer)["scores"].tolist()
    [[1.0, 2.0]]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.contract.beside_types import beside_header
from semiring_widgets.contract.fields import Column
from semiring_widgets.contract.inquiry import Inquiry
from semiring_widgets.contract.message_kinds import MessageType
from semiring_widgets.contract.table import (
    SUMMARIES,
    VERSION,
    ChartAnswer,
    ComparisonHeader,
    ConditionedAnswer,
    ErrorAnswer,
    ExplanationHeader,
    HeadMapAnswer,
    RoutesAnswer,
    TestAnswer,
)
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.parts import Part, Reference, Score, Stream, Totals
from semiring_widgets.results.two_sides import SideBySide
from semiring_widgets.results.visible import token_label
from semiring_widgets.vocabulary import KINDS

if TYPE_CHECKING:
    import xarray as xr

    from semiring_widgets.results.explanation import Explanation
    from semiring_widgets.results.log_of_tests import Test
    from semiring_widgets.results.parts import Status
    from semiring_widgets.results.rankings import Ranking

__all__ = [
    "CONDITIONED",
    "TOTALS",
    "VERSION",
    "Message",
    "chart",
    "conditioned",
    "encode",
    "failure",
    "head_map",
    "inquiring",
    "message",
    "pack",
    "routes",
    "sendable",
    "starting",
    "tested",
    "unpack",
]

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
TOTALS: Final = tuple(field.name for field in fields(Totals))
_ALIGNMENT: Final = 4  # JavaScript's Float32Array wants offsets that are multiples of its item size

_Given: TypeAlias = Sequence[Mapping[str, Any]]
Message: TypeAlias = tuple[dict[str, Any], bytes]


def encode(result: Explanation | Comparison | SideBySide, revision: int) -> Message:
    """One summary: everything the first picture needs.

    Args:
        result: an explanation, a comparison, or two explanations side by side; finished or not.
        revision: number of this summary; the front end ignores older ones.

    Returns:
        The JSON header and its buffer. ``map_mass_share`` is left out: head maps are asked for one by one.
    """
    if isinstance(result, Comparison):
        return _comparison(result, revision)
    if isinstance(result, SideBySide):
        # The page subtracts by itself.
        columns, buffer = pack({str(name): v.values[:2] for name, v in result.dataset.data_vars.items()})
        return message(beside_header(result, revision, columns), buffer)
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
    return message(
        SUMMARIES[kind](
            revision=revision,
            text=text,
            model=model,
            score=Score("", math.nan, None, None, None),
            streams=(Stream("input", ()),),
            status=status,
        )
    )


def inquiring(summary: Message, inquiry: Inquiry) -> Message:
    """The summary of a view that can ask again.

    Args:
        summary: of an explanation.
        inquiry: the questions of the view.
    """
    header, buffer = summary
    return {**header, "inquiry": _clean(asdict(inquiry))}, buffer


def conditioned(
    request_id: int,
    selection: _Given,
    dataset: xr.Dataset,
    log_share: float,
    avoiding: _Given = (),
    among: _Given = (),
) -> Message:
    """The answer to ``condition``: the flow of the paths through the selection.

    Args:
        request_id: the request's id.
        selection: the parts that were selected, as asked.
        dataset: the variables named in `CONDITIONED`, and totals of these paths among its attributes.
        log_share: natural log of the share of all mass that passes through it; -inf, null in the message,
            where no path does.
        avoiding: the parts that were avoided, as asked.
        among: the parts of which any was to be passed, as asked.
    """
    columns, buffer = pack({name: dataset[name].values for name in CONDITIONED if name in dataset})
    header = ConditionedAnswer(
        id=request_id,
        selection=_parts(selection),
        log_share=log_share,
        totals=Totals(**{name: dataset.attrs.get(name) for name in TOTALS}),
        contribution=dataset.attrs.get("contribution", math.nan),
        avoiding=_parts(avoiding),
        among=_parts(among),
        columns=columns,
    )
    return message(header, buffer)


def routes(request_id: int, by: str, selection: _Given, ranking: Ranking, among: _Given = ()) -> Message:
    """The answer to ``routes``: one ranking of the routes of the paths through the selection.

    Args:
        request_id: the request's id.
        by: the ranking asked for.
        selection: the parts that were selected, as asked.
        ranking: the routes.
        among: the parts of which any was to be passed, as asked.
    """
    parts, any_of = _parts(selection), _parts(among)
    return message(RoutesAnswer(id=request_id, by=by, selection=parts, ranking=ranking, among=any_of))


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
    header = HeadMapAnswer(
        id=request_id,
        layer=layer,
        head=head,
        selection=_parts(selection),
        kinds=KINDS,
        peak=tuple(float(peak) for peak in peaks),
        columns=columns,
    )
    return message(header, buffer)


def chart(request_id: int, selection: Sequence[Mapping[str, Any]], item: Any, dark: Any) -> Message:
    """The answer to ``chart``.

    Args:
        request_id: the request's id.
        selection: the parts whose paths it shows; none for all paths.
        item: the chart, as BokehJS takes it.
        dark: the same with light letters.
    """
    return message(ChartAnswer(id=request_id, selection=_parts(selection), item=item, dark=dark))


def tested(request_id: int, found: Test) -> Message:
    """The answer to ``test``: what one test found.

    Args:
        request_id: the request's id.
        found: the test.
    """
    return message(TestAnswer(id=request_id, test=found))


def failure(request_id: int, sentence: str) -> Message:
    """The answer to a request that cannot be met: one sentence."""
    return message(ErrorAnswer(id=request_id, message=sentence))


def message(header: MessageType, buffer: bytes = b"") -> Message:
    """A message as it is sent.

    Args:
        header: one of the types of `table`.
        buffer: the arrays that its columns name, or what else it brings.
    """
    return _clean({"type": header.type, **asdict(header)}), buffer


def pack(arrays: Mapping[str, NDArray[Any]]) -> tuple[tuple[Column, ...], bytes]:
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
        columns.append(Column(name, array.shape, dtype, len(buffer), len(data)))
        buffer += data
        buffer += bytes(-len(buffer) % _ALIGNMENT)
    return tuple(columns), bytes(buffer)


def unpack(columns: Sequence[Mapping[str, Any]], buffer: bytes) -> dict[str, NDArray[Any]]:
    """The arrays again, from the columns of a header: the inverse of `pack`."""
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
    header = ExplanationHeader(
        revision=revision,
        text=result.text,
        model=result.model,
        score=result.score,
        streams=_readable(result.streams),
        status=result.status,
        columns=columns,
        paths=result.paths,
        granularity=result.granularity,
        rules=result.rules,
        level=result.level,
        layers=result.layers,
        totals=result.totals,
        rankings=result.rankings,
        statistics=result.statistics,
        reference=result.reference and _readable_reference(result.reference),
        answer=result.sentences,
        tests=tuple(result.tests),
        correlations=result.correlations,
        arguments=result.arguments,
        likeliest=result.likeliest,
        groups=tuple(result.groups.values()),
    )
    return message(header, buffer)


def _comparison(result: Comparison, revision: int) -> Message:
    columns, buffer = pack(
        {str(name): variable.values for name, variable in result.dataset.data_vars.items()}
    )
    header = ComparisonHeader(
        revision=revision,
        text=result.text,
        model=result.model,
        score=result.score,
        streams=_readable(result.streams),
        status=result.status,
        columns=columns,
        paths=result.paths,
        methods=result.methods,
        top_k=result.top_k,
        reference=result.reference,
    )
    return message(header, buffer)


def _readable(streams: tuple[Stream, ...]) -> tuple[Stream, ...]:
    """The streams, every token with a text that is to be seen."""
    return tuple(
        replace(stream, tokens=tuple(replace(token, text=token_label(token)) for token in stream.tokens))
        for stream in streams
    )


def _readable_reference(reference: Reference) -> Reference:
    return replace(reference, streams=_readable(reference.streams))


def _parts(selection: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    return tuple(Part(**part) for part in selection)


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
