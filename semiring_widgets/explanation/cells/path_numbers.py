"""Facts about all paths from each cell to the score."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core import Paths
from semiring_widgets.core.result import Result
from semiring_widgets.explanation.cells.question import CellQuestion
from semiring_widgets.results.cells import BestPath

__all__ = ["PathNumbers", "by_cell", "path_numbers"]


@dataclass(frozen=True, eq=False)
class PathNumbers:
    """Of all paths from each cell; float64, shape (cells,) each.

    Attributes:
        contribution: sum over paths of weight times (input - reference), in the unit of the score.
        mass_share: share of the sum of |weight| over all paths, 0-1.
        entropy: of p(path) ~ |weight| among the paths of the cell, in nats.
        best_log_weight: log |weight| of the best path.
        best_share: the same relative to the best of all, 0-1.
        log_mass: of all paths together.
        total_entropy: of all paths together.
        best: the best path of all.
    """

    contribution: Tensor
    mass_share: Tensor
    entropy: Tensor
    best_log_weight: Tensor
    best_share: Tensor
    log_mass: float
    total_entropy: float
    best: BestPath


def path_numbers(paths: Paths, question: CellQuestion) -> PathNumbers:
    """One sweep, in the semirings sum, mass, entropy and maximum.

    Args:
        paths: from the inputs to the score.
        question: whose cells.
    """
    found = paths.backprop("fused")
    if not isinstance(found, Result):
        (found,) = found
    cell_of = question.cell_of.flatten()
    log_mass, entropy = by_cell(found.log_mass, found.entropy, cell_of, question.grid.cells)
    weights = found.log_weight.double()
    best = _largest(weights.reshape(-1, len(cell_of)).amax(0), cell_of, question.grid.cells)
    everything = torch.zeros_like(cell_of)
    whole, whole_entropy = by_cell(found.log_mass, found.entropy, everything, 1)
    at = int(weights.argmax())
    place = tuple(int(i) for i in torch.unravel_index(torch.tensor(at), weights.shape))
    return PathNumbers(
        contribution=question.summed(found.value.double() * (question.inputs - question.reference).double()),
        mass_share=(log_mass - whole).exp(),
        entropy=entropy,
        best_log_weight=best,
        best_share=(best - best.amax()).exp(),
        log_mass=float(whole),
        total_entropy=float(whole_entropy),
        best=BestPath(
            cell=int(cell_of[at % len(cell_of)]),
            place=place[1:],
            log_weight=float(weights.flatten()[at]),
            sign=int(found.sign.flatten()[at]),
        ),
    )


def by_cell(log_mass: Tensor, entropy: Tensor, cell_of: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Log mass, and entropy, of the paths of several elements together.

    With M the mass of a cell, m_i and H_i those of its elements: H = sum of m_i/M (H_i - log(m_i/M)).

    Args:
        log_mass: of each element, shape (..., places).
        entropy: of its paths, of the same shape.
        cell_of: cell of each place, shape (places,).
        cells: how many cells.

    Returns:
        Shape (cells,) each, float64.
    """
    mass, inner = (values.double().reshape(-1, len(cell_of)) for values in (log_mass, entropy))
    cell_of = cell_of.expand(len(mass), -1).flatten()
    mass, inner = mass.flatten(), inner.flatten()
    peak = _largest(mass, cell_of, cells)
    safe = peak.nan_to_num(neginf=0.0)
    scaled = (mass - safe[cell_of]).exp()
    total = safe + safe.new_zeros(cells).index_add(0, cell_of, scaled).log()
    shares = (mass - total[cell_of]).exp().nan_to_num(nan=0.0)
    own = torch.where(shares > 0, shares * (inner - (mass - total[cell_of])), 0.0)
    return total, safe.new_zeros(cells).index_add(0, cell_of, own)


def _largest(values: Tensor, cell_of: Tensor, cells: int) -> Tensor:
    none = values.new_full((cells,), -torch.inf)
    return none.scatter_reduce(0, cell_of, values, "amax")
