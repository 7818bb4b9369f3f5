"""What answers about pictures and sounds are made of: grids, layers, routes; plain facts, frozen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BestPath", "CellLayer", "CellRoute", "Grid", "several"]


@dataclass(frozen=True)
class Grid:
    """How an input is cut into cells, which are numbered row by row.

    Attributes:
        rows: where rows of cells begin, and after them where the last one ends; in pixels from the top. A
            sound has one row.
        columns: the same of columns; in pixels from the left, or samples.

    Example:
        >>> grid = Grid(rows=(0, 2, 4), columns=(0, 3, 6))
        >>> grid.shape, grid.box(3), grid.name(3)
        ((2, 2), (2, 3, 4, 6), 'row 2, column 2')
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns of cells."""
        return len(self.rows) - 1, len(self.columns) - 1

    @property
    def cells(self) -> int:
        """How many cells."""
        rows, columns = self.shape
        return rows * columns

    def place(self, cell: int) -> tuple[int, int]:
        """Row and column of a cell, counted from 0."""
        return divmod(cell, self.shape[1])

    def box(self, cell: int) -> tuple[int, int, int, int]:
        """First row, first column, row and column after the last, in pixels or samples."""
        row, column = self.place(cell)
        return self.rows[row], self.columns[column], self.rows[row + 1], self.columns[column + 1]

    def name(self, cell: int) -> str:
        """A cell in words, counted from 1."""
        row, column = self.place(cell)
        return f"frame {column + 1}" if self.shape[0] == 1 else f"row {row + 1}, column {column + 1}"


@dataclass(frozen=True)
class CellLayer:
    """A place in the model where all paths can be told by cell: an attention, or a feature map.

    Attributes:
        name: of the module.
        kind: ``"attention"`` or ``"feature map"``.
        rows: how many rows of cells it has, which need not be those of the grid.
        columns: how many columns.
        heads: of an attention; 0 of a feature map.
    """

    name: str
    kind: str
    rows: int
    columns: int
    heads: int = 0


@dataclass(frozen=True)
class CellRoute:
    """Paths that take the same heads and patches, as far as they were looked at.

    Attributes:
        text: in words.
        share: of the mass of all paths, 0-1.
        contribution: sum over its paths of weight times (input - reference) where they begin.
        cells: the patches that it passes, from the first on, as places in the first attention's grid; -1 for
            a token that is no patch.
        heads: layer and head of each step of attention.
    """

    text: str
    share: float
    contribution: float
    cells: tuple[int, ...]
    heads: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class BestPath:
    """The one path of the largest absolute weight.

    Attributes:
        cell: where it begins.
        place: the element of the input where it begins, such as channel, row and column.
        log_weight: log of its absolute weight.
        sign: of its weight, -1, 0 or 1.
    """

    cell: int
    place: tuple[int, ...]
    log_weight: float
    sign: int


def several(cells: str) -> str:
    """The plural of what cells are called.

    >>> several("patch"), several("frame")
    ('patches', 'frames')
    """
    return f"{cells}es" if cells.endswith("ch") else f"{cells}s"
