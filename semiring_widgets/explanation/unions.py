"""The paths through at least one of some parts, as sets that share no path.

Paths through the first part; through the second and not the first; through the third and neither: every
path through any of them is in exactly one of these, so sums over the union are sums over them, exact also
where the union is a small share of all paths (all paths minus those around the parts would cancel there).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from semiring_widgets.core.anatomy import Selection
from semiring_widgets.core.paths import ManySets, Paths, directions_of
from semiring_widgets.core.semirings import Entropy, Value

__all__ = ["Sums", "each_sums", "joined_flows", "pieces_of", "sums_of"]

_ENTROPY = Entropy()


@dataclass(frozen=True)
class Sums:
    """What some paths have together.

    Attributes:
        log_mass: log of the sum of |weight|; -inf where there is no path.
        entropy: nats; NaN where there is no path.
        contribution: signed sum of weight times direction where the path begins.
    """

    log_mass: float
    entropy: float
    contribution: float


def pieces_of(few: Paths, among: Sequence[Selection]) -> list[Paths]:
    """The paths of a set that pass any of some parts; the set itself where none are named.

    Args:
        few: the set.
        among: the parts, each once.
    """
    if not among:
        return [few]
    return [few.through(part).avoiding(among[:number]) for number, part in enumerate(among)]


def sums_of(
    pieces: Sequence[Paths], directions: Sequence[torch.Tensor], check: Callable[[], None] = lambda: None
) -> Sums:
    """Mass, entropy and contribution of sets that share no path, together.

    Args:
        pieces: the sets.
        directions: what contributions are along, by input.
        check: called between two questions; may raise to stop.
    """
    spread, contributions = [], []
    for piece in pieces:
        check()
        spread.append(piece.total(_ENTROPY).parts)
        check()
        contributions.append(piece.contribution(directions))
    return _sums(_ENTROPY.total(spread), math.fsum(contributions))


def each_sums(sets: Sequence[Paths], many: ManySets, directions: Sequence[torch.Tensor]) -> list[Sums]:
    """Mass, entropy and contribution of each of several sets by itself.

    Args:
        sets: the sets.
        many: the same, which are asked together.
        directions: what contributions are along, by input.
    """
    along = directions_of(sets[0].graph, directions)
    return [
        _sums(few.total(_ENTROPY).parts if spread is None else spread, contribution)
        for few, (spread, contribution) in zip(sets, many.sums(along), strict=True)
    ]


def _sums(value: Value, contribution: float) -> Sums:
    log_mass = float(value[0])
    entropy = float(_ENTROPY.facts(value)["entropy"]) if log_mass > -math.inf else math.nan
    return Sums(log_mass, entropy, contribution)


def joined_flows(tables: Sequence[xr.Dataset], log_masses: Sequence[float]) -> xr.Dataset:
    """The flow of sets that share no path, as that of one set.

    Args:
        tables: shares relative to the mass of each set, and best paths.
        log_masses: of the sets.

    Returns:
        Shares relative to the mass of all of them; statistics in a semiring of the reader's choice are left
        out, as only shares and best paths can be joined after they were read off.
    """
    if len(tables) == 1:
        return tables[0]
    whole = float(np.logaddexp.reduce(log_masses))
    weights = [math.exp(one - whole) if one > -math.inf else 0.0 for one in log_masses]
    found: dict[str, xr.DataArray] = {}
    for name in map(str, tables[0].data_vars):
        columns = [table[name] for table in tables]
        if name.endswith("_mass_share"):
            values = sum(w * column.values for w, column in zip(weights, columns, strict=True))
        elif name.endswith("_best_log_weight"):
            values = np.fmax.reduce([column.values for column in columns])
        else:
            continue
        found[name] = columns[0].copy(data=values)
    best = max(float(table.attrs["best_log_weight"]) for table in tables)
    return xr.Dataset(found, attrs={"log_mass": whole, "best_log_weight": best})
