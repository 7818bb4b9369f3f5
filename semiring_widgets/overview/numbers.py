"""The numbers of a corpus run as dense arrays, one row a text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["BINS", "NUMBERS", "CorpusNumbers", "PartOfModel"]

# Of every histogram.
BINS: Final = 24

# Numbers of a text that are shown, with their units; those that no text has are left out.
NUMBERS: Final[Mapping[str, tuple[str, str]]] = {
    "score": ("score", "logits"),
    "entropy": ("entropy", "nats"),
    "log_mass": ("log mass", "nats"),
    "best_log_weight": ("best path, log weight", "nats"),
    "top_token_effect": ("effect of the top word", "logits"),
    "tokens": ("tokens", ""),
}
# Of 100,000 texts a thousand blocks say how much means differ as well as the texts themselves.
_BLOCKS: Final = 1000
_SEED: Final = 0
# Of a round step, the first digits; and how many of them make a range, so that each of them ends a bin.
_ROUND: Final = (1.0, 2.0, 2.5, 5.0)
_STEPS: Final = (3, 4, 6, 8, 12)


@dataclass(frozen=True)
class PartOfModel:
    """What a column of effects belongs to.

    Attributes:
        kind: ``"head"``, ``"layer"`` (the sum over its heads) or ``"mlp"``.
        layer: from 0.
        head: of the layer, from 0; None of the others.
    """

    kind: str
    layer: int
    head: int | None = None

    @property
    def name(self) -> str:
        """As people call it.

        >>> PartOfModel("head", 3, 1).name, PartOfModel("mlp", 2).name
        ('head 3·1', 'MLP 2')
        """
        if self.kind == "head":
            return f"head {self.layer}·{self.head}"
        return f"MLP {self.layer}" if self.kind == "mlp" else f"heads of layer {self.layer}"


@dataclass(frozen=True, eq=False)
class CorpusNumbers:
    """A corpus run, as a view needs it.

    Attributes:
        path: the folder of the run.
        manifest: what was asked, and of which model.
        texts: the table of examples, in the order of their rows.
        errors: how many rows could not be asked.
        by: the column that groups them; empty where all are one group.
        groups: names of the groups.
        group: of each text, (texts,).
        of: what parts are measured by, ``"effect"`` or ``"contribution"``; empty where nothing is known.
        parts: what the columns of effects are.
        effects: (texts, parts), NaN where a text has no such part.
        layers: the layers that have a flow.
        flow: share of the mass by layer and branch, (texts, layers, branches), NaN where not known.
    """

    path: Path
    manifest: Mapping[str, Any]
    texts: pd.DataFrame
    errors: int
    by: str
    groups: tuple[str, ...]
    group: NDArray[np.int32]
    of: str
    parts: tuple[PartOfModel, ...]
    effects: NDArray[np.float32]
    layers: tuple[int, ...]
    flow: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Columns of `texts` that at least one text has a number of."""
        return tuple(name for name in NUMBERS if np.isfinite(self.number(name)).any())

    def number(self, name: str) -> NDArray[np.float64]:
        """One number of every text, (texts,); NaN where it is missing or infinite.

        Args:
            name: of a column of `texts`.
        """
        found = self._number.get(name)
        if found is None:
            found = self.texts[name].to_numpy(np.float64, na_value=np.nan)
            found = self._number[name] = np.where(np.isfinite(found), found, np.nan)
        return found

    def edges(self, name: str) -> tuple[float, float]:
        """Round numbers around all values of a number, which are the ends of its bins.

        Args:
            name: one of `numbers`.
        """
        values = self.number(name)
        return _round_ends(float(np.nanmin(values)), float(np.nanmax(values)))

    def bin(self, name: str) -> NDArray[np.uint8]:
        """The bin of every text, (texts,), from 0 to `BINS` - 1; 255 where it has no such number.

        Args:
            name: one of `numbers`.
        """
        found = self._bin.get(name)
        if found is None:
            (low, high), values = self.edges(name), self.number(name)
            place = np.floor((np.nan_to_num(values, nan=low) - low) / (high - low) * BINS)
            found = np.where(np.isnan(values), 255, np.clip(place, 0, BINS - 1)).astype(np.uint8)
            self._bin[name] = found
        return found

    @cached_property
    def _number(self) -> dict[str, NDArray[np.float64]]:
        return {}

    @cached_property
    def _bin(self) -> dict[str, NDArray[np.uint8]]:
        return {}

    @cached_property
    def right(self) -> NDArray[np.float64]:
        """Whether the target is preferred, 1 or 0; NaN where there is no contrast."""
        known = self.texts["right"].astype("Float64")
        return np.asarray(known.to_numpy(np.float64, na_value=np.nan), np.float64)

    @cached_property
    def places(self) -> Mapping[int, int]:
        """Where in the arrays a row of the corpus is."""
        return {int(row): place for place, row in enumerate(self.texts["row"])}

    @cached_property
    def order(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All texts in the order of their blocks, and the block of each: texts that are drawn again together.

        A block is a random set of texts; where there are few texts, each is a block of its own.
        """
        count = len(self)
        if count <= _BLOCKS:
            return np.arange(count), np.arange(count)
        drawn = np.random.default_rng(_SEED).permutation(count)
        return drawn, np.arange(count) * _BLOCKS // count


def _round_ends(low: float, high: float) -> tuple[float, float]:
    """The narrowest range around both that is so many round steps long that bins end at all of them.

    >>> _round_ends(8.0, 19.0), _round_ends(-3.1, 8.9), _round_ends(3.0, 3.0), _round_ends(0.0213, 0.0397)
    ((8.0, 20.0), (-5.0, 10.0), (2.5, 3.5), (0.02, 0.04))
    """
    if not high > low:
        low, high = low - 0.5, low + 0.5
    size = math.floor(math.log10(high - low))
    found = []
    for digit in _ROUND:
        for exponent in (size - 1, size, size + 1):
            for count in _STEPS:
                # Of small steps the reciprocal is whole, and a quotient by it is the number as it is written.
                over = digit * 10.0**exponent if exponent >= 0 else 10.0**-exponent / digit
                first = math.floor(low / over if exponent >= 0 else low * over)
                ends = [place * over if exponent >= 0 else place / over for place in (first, first + count)]
                if ends[1] >= high:
                    found.append((ends[1] - ends[0], count, ends[0], ends[1]))
    return min(found)[2:]
