"""What every part really does to the score, told first: tests of all of them, and estimates beside.

The tests are of the whole model, whichever paths an explanation is about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from torch import Tensor

from semiring_widgets.core import record
from semiring_widgets.core.effects import Aligned, Row, effect_rows
from semiring_widgets.core.effects.reference_values import Reference
from semiring_widgets.core.tape import Tape
from semiring_widgets.core.tape.host_copy import bring_to_host, is_quicker_on_host
from semiring_widgets.errors import MemoryLimitError, TapeError, UnsupportedOpError
from semiring_widgets.explanation.effect_frames import rank_correlations
from semiring_widgets.explanation.references import Referenced
from semiring_widgets.results.parts import Correlation
from semiring_widgets.vocabulary import PART_KINDS

__all__ = ["REFUSALS", "Recording", "correlations_of", "tell_effects"]

# Why a forward pass cannot be run again with other numbers.
REFUSALS = (UnsupportedOpError, TapeError, MemoryLimitError)
# Fewer parts have no order to speak of.
_FEWEST = 4
_DIGITS = 5
# Of each kind of parts, what its variables begin with.
_VARIABLES = {"tokens": ("token", "decoder"), "heads": ("head",), "mlps": ("mlp",)}


@dataclass(frozen=True, eq=False)
class Recording:
    """A recorded score, and what it is compared with.

    Attributes:
        tape: the finished tape.
        score: shape (1,).
        inputs: the embeddings of each stream.
        reference: what stands in for them.
        run: embeddings to scores, as they were recorded.
        refer: the reference that another text is.
        max_memory: bytes that tests may take beside the tape; None for no limit.
    """

    tape: Tape
    score: Tensor
    inputs: tuple[Tensor, ...]
    reference: Referenced
    run: Callable[..., Tensor]
    refer: Callable[[Any], Referenced]
    max_memory: int | None = None

    def directions(self, dtype: Any) -> list[Tensor]:
        """Input minus reference, of each stream.

        Args:
            dtype: to compute in.
        """
        return [x.to(dtype) - r.to(dtype) for x, r in zip(self.inputs, self.reference.inputs, strict=True)]

    def rows(
        self,
        kind: str | Sequence[str],
        check: Callable[[], None],
        *,
        by: str = "reference",
        resample: list[Tensor] | None = None,
        tested: bool = True,
        reference: Reference | None = None,
    ) -> list[Row]:
        """See `semiring_widgets.effects`.

        Args:
            kind: of the parts.
            check: called often; may raise to stop.
            by: what they are given.
            resample: embeddings of another text, where that is what they are given.
            tested: False estimates only.
            reference: instead of the embeddings of the reference.
        """
        return effect_rows(
            self.tape,
            self.score,
            list(self.inputs),
            list(self.reference.inputs) if reference is None else reference,
            kind=kind,
            by=by,
            resample=resample,
            tested=tested,
            max_memory=self.max_memory,
            progress=lambda *_: check(),
        )

    def recorded_reference(self) -> Aligned:
        """The reference in a recording of its own: what its parts are is read there."""
        inputs = [x.clone() for x in self.reference.inputs]
        with record(granularity=self.tape.granularity) as tape:
            score = self.run(*inputs)
        if is_quicker_on_host(tape):
            bring_to_host(tape)
        return Aligned(inputs, [list(range(x.shape[1])) for x in inputs], tape=tape, score=score)


def tell_effects(
    recording: Recording, dataset: xr.Dataset, check: Callable[[], None], *, tested: bool = False
) -> str:
    """Write effects and contributions into a table.

    Args:
        recording: of the score.
        dataset: from `semiring_widgets.results.schema.empty_dataset`; changed.
        check: called often; may raise to stop.
        tested: whether the effects are there already, from a question before.

    Returns:
        Why nothing was tested, in a sentence; empty where everything was.
    """
    why = ""
    try:
        rows = _estimates(recording, PART_KINDS, check) if tested else recording.rows(PART_KINDS, check)
    except REFUSALS as error:
        why, rows = str(error), _estimates(recording, PART_KINDS, check)
    rows += _estimates(recording, "layers", check)
    for row in rows:
        _write(dataset, row)
    return why


def _estimates(recording: Recording, kind: str | Sequence[str], check: Callable[[], None]) -> list[Row]:
    """Contributions alone."""
    try:
        return recording.rows(kind, check, tested=False)
    except REFUSALS:
        # What cannot be run again with other numbers is recorded with them.
        return recording.rows(kind, check, tested=False, reference=recording.recorded_reference())


def _write(dataset: xr.Dataset, row: Row) -> None:
    kind, place = (
        row["kind"],
        tuple(row[axis] for axis in ("layer", "head", "token") if row[axis] is not None),
    )
    name = {"layer": "node"}.get(kind, kind)
    if kind == "token" and row["stream"]:
        name = "decoder"
    for what in ("effect", "contribution"):
        if row[what] is not None:
            dataset[f"{name}_{what}"].values[place] = row[what]


def correlations_of(dataset: xr.Dataset) -> tuple[Correlation, ...]:
    """How well contributions rank as effects do, by kind of part; only where there is an order to compare.

    Args:
        dataset: with effects and contributions.
    """
    found = []
    for kind, names in _VARIABLES.items():
        columns = {
            what: np.concatenate(
                [dataset[f"{n}_{what}"].values.ravel() for n in names if f"{n}_{what}" in dataset]
            )
            for what in ("effect", "contribution")
        }
        table = pd.DataFrame(columns).astype(np.float64).dropna()
        # What was replaced by the same has no order among itself: rounding is none.
        table = (table / table.abs().max()).round(_DIGITS).fillna(0.0).assign(kind=kind)
        correlation = rank_correlations(table)[kind] if len(table) >= _FEWEST else np.nan
        if np.isfinite(correlation):
            found.append(Correlation(kind, correlation))
    return tuple(found)
