"""Answers packed for a page: rounded to what pictures and printed numbers need, and compressed.

One gzip stream: the length of some JSON (four bytes, little endian), the JSON, and the bytes of all answers.
Of these come the first bytes of every four, then the second ones, and so on, as numbers of one kind differ
least in the bytes of one place. A float32 keeps 15 significant bits, and a natural logarithm of a weight a
multiple of 2⁻¹³ nats: relative errors below 7·10⁻⁵, so three digits are those of the number itself.

>>> import numpy as np
>>> bytes(planes(b"abcdefgh")).decode()
'aebfcgdh'
>>> float(coarse("node_mass_share", np.float32([1 / 3]))[0])
0.3333282470703125
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.contract.table import Packed, Prepared

if TYPE_CHECKING:
    from semiring_widgets.contract.messages import Message

__all__ = ["Scale", "coarse", "packed_answers", "planes"]

_BASE64: Final = 4 / 3
_WORD: Final = 4
_BITS: Final = 15
_PER_NAT: Final = 2.0**13


class Scale:
    """Weighs what answers add to a page, each beside those before it; the same on every run."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(9)

    def weigh(self, message: Message) -> int:
        """Bytes that a message adds.

        Args:
            message: its header and buffer.
        """
        header, buffer = message
        data = self._compressor.compress(_json(header) + planes(buffer))
        return round((len(data) + len(self._compressor.flush(zlib.Z_SYNC_FLUSH))) * _BASE64)


def packed_answers(answers: Mapping[str, Sequence[Message]]) -> bytes:
    """All answers as one gzip stream, the same on every run.

    Args:
        answers: messages by the type of their request.
    """
    buffers = bytearray()

    def placed(message: Message) -> Prepared:
        header, buffer = message
        offset = len(buffers)
        # Every buffer begins with a whole number.
        buffers.extend(buffer + bytes(-len(buffer) % _WORD))
        return Prepared(header, offset, len(buffer))

    content = Packed({name: [placed(message) for message in found] for name, found in answers.items()})
    text = _json(asdict(content))
    # Without the time, which would make every page another one.
    return gzip.compress(len(text).to_bytes(_WORD, "little") + text + planes(bytes(buffers)), mtime=0)


def planes(data: bytes) -> bytes:
    """The first bytes of all groups of four, then the second ones, and so on.

    Args:
        data: filled up with zeros to whole groups.
    """
    whole = np.frombuffer(data + bytes(-len(data) % _WORD), np.uint8)
    return whole.reshape(-1, _WORD).T.tobytes()


def coarse(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Numbers as exact as they are shown; what is no number, or not finite, stays as it is.

    Args:
        name: of their column: logarithms are rounded by their distance, all others by their ratio.
        values: float32, any shape.
    """
    if values.dtype != np.float32:
        return values
    finite = np.isfinite(values)
    known = np.where(finite, values, np.float32(0))
    if "log" in name:
        rounded = np.rint(known * _PER_NAT) / _PER_NAT
    else:
        fraction, exponent = np.frexp(known)
        rounded = np.ldexp(np.rint(fraction * 2.0**_BITS) / 2.0**_BITS, exponent)
    return np.where(finite, rounded, values).astype(np.float32)


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
