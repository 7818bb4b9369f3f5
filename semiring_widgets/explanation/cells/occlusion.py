"""What really happens to the score when cells are given the reference: occlusion (Zeiler & Fergus 2014).

Nothing is estimated here. The model is run again, with a batch of changed inputs at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from semiring_widgets.explanation.cells.question import CellQuestion, scored

__all__ = ["curves_of", "effects_of", "scores_with"]


def scores_with(question: CellQuestion, replaced: Tensor) -> Tensor:
    """Scores with sets of cells given the reference.

    Args:
        question: the question.
        replaced: which cells are, bool (sets, cells).

    Returns:
        Shape (sets,), float64.
    """
    found = []
    # The inputs themselves are made in parts, too: of large pictures, all sets together would fill memory.
    for part in replaced.split(question.batch):
        where = part.to(question.inputs.device)[:, question.cell_of]
        if question.inputs.dim() == 4:
            where = where[:, None]
        found.append(scored(question, torch.where(where, question.reference, question.inputs)))
    return torch.cat(found)


def effects_of(question: CellQuestion) -> Tensor:
    """Effect of each cell: score minus score with this cell given the reference; shape (cells,)."""
    single = torch.eye(question.grid.cells, dtype=torch.bool)
    return question.score.value - scores_with(question, single)


def curves_of(question: CellQuestion, order: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Deletion and insertion (Petsiuk et al. 2018, arXiv 1806.07421), in the unit of the score.

    Args:
        question: the question.
        order: cells, those that count most first.

    Returns:
        The score when the first 0, 1, ... all cells of the order are given the reference; and when all but
        these are. Shape (cells + 1,) each.
    """
    count = len(order)
    place = torch.empty(count, dtype=torch.int64)
    place[torch.as_tensor(order)] = torch.arange(count)
    first = place[None] < torch.arange(count + 1)[:, None]
    deletion, insertion = scores_with(question, torch.cat([first, ~first])).split(count + 1)
    return deletion, insertion
