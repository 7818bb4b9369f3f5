"""What is asked about a picture or a sound: one function from its numbers to a score, and how it is cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from semiring_widgets.errors import InputError, NonFiniteError
from semiring_widgets.explanation.modes import training_modules
from semiring_widgets.results.cells import Grid
from semiring_widgets.results.parts import Score

__all__ = ["CellQuestion", "check_cells", "check_eval", "cut", "scored"]

# So many cells are tested at most.
_MOST = 4_096


@dataclass(frozen=True, eq=False)
class CellQuestion:
    """One question.

    Attributes:
        model: it is run as it is.
        forward: from inputs, shape (B, ...), to their scores, shape (B,).
        inputs: shape (1, channels, height, width), or (1, samples).
        reference: what cells are given, of the same shape.
        reference_label: the same in words.
        grid: how the last dimensions are cut.
        score: what is asked for, and how much it is.
        cells: what a cell is called, ``"patch"``, ``"cell"`` or ``"frame"``.
        batch: how many inputs are run at once.
    """

    model: nn.Module
    forward: Callable[[Tensor], Tensor]
    inputs: Tensor
    reference: Tensor
    reference_label: str
    grid: Grid
    score: Score
    cells: str
    batch: int

    @property
    def cell_of(self) -> Tensor:
        """Number of the cell of each pixel, int64 (height, width), or of each sample, (samples,)."""
        rows, columns = (
            torch.bucketize(torch.arange(edges[-1]), torch.tensor(edges[1:-1], dtype=torch.int64), right=True)
            for edges in (self.grid.rows, self.grid.columns)
        )
        cells = rows[:, None] * self.grid.shape[1] + columns
        return (cells if self.inputs.dim() == 4 else cells[0]).to(self.inputs.device)

    def summed(self, values: Tensor) -> Tensor:
        """Numbers per element of the input, added up by cell: shape (cells,), float64.

        Args:
            values: shaped as the inputs.
        """
        by_place = values.double().reshape(-1, self.cell_of.numel()).sum(0)
        return by_place.new_zeros(self.grid.cells).index_add(0, self.cell_of.flatten(), by_place)


def scored(question: CellQuestion, batch: Tensor) -> Tensor:
    """The scores of inputs, a few at a time: shape (B,), float64, on the CPU.

    Args:
        question: whose model and score.
        batch: shape (B, ...).

    Raises:
        InputError: the score is not one number for each input.
    """
    found = []
    with torch.no_grad():
        for part in batch.split(question.batch):
            scores = question.forward(part)
            if scores.numel() != len(part):
                raise InputError(
                    f"The score has shape {list(scores.shape)} for a batch of {len(part)}; score= must "
                    f"return one number for each input, shape ({len(part)},)."
                )
            found.append(scores.reshape(-1).double().cpu())
    scores = torch.cat(found)
    if not bool(torch.isfinite(scores).all()):
        raise NonFiniteError(
            "The score is NaN or infinite, so there is nothing to explain; look for an overflow in the model "
            "or in score=."
        )
    return scores


def cut(length: int, parts: int) -> tuple[int, ...]:
    """Edges of parts that are as equal as whole numbers allow.

    >>> cut(10, 4)
    (0, 2, 5, 7, 10)
    """
    return tuple(length * part // parts for part in range(parts + 1))


def check_cells(count: int, what: str) -> None:
    """Refuse more cells than anybody waits for.

    Args:
        count: how many cells are asked for.
        what: the argument, for messages.

    Raises:
        InputError: the model would be run too often.
    """
    if count > _MOST:
        # Each cell alone, and both curves.
        raise InputError(
            f"{what} makes {count:,} cells, for which the model would be run {3 * count + 2:,} times; give "
            f"at most {_MOST:,} cells."
        )


def check_eval(model: nn.Module) -> None:
    """Refuse a model whose answers are different every time.

    Raises:
        InputError: it is in training mode.
    """
    if training_modules(model):
        raise InputError(
            f"The {type(model).__name__} is in training mode, in which dropout, batch normalisation and the "
            f"like make every answer different; call model.eval() first."
        )
