"""Which tile a contraction on an NVIDIA GPU takes, and into how many parts its terms are cut.

A fixed rule, so that nothing is tried out in front of a person: it estimates the time of each tile from the
numbers below. They were fitted to times on an H200, of 11 tiles at 18 shapes from 16 x 3072 x 768 to
32 x 2048 x 64 x 2048; there the rule is within 4 % of the best of all of them at every shape
(`tests/core/test_cuda_tables.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "DEPTH",
    "ROWS_COLUMNS",
    "ROWS_THREADS",
    "TILES",
    "Tile",
    "chosen_tile",
    "part_counts",
    "row_parts",
]

# Terms in shared memory at once; parts are multiples of it.
DEPTH = 16
# Of cuda_rows.cu: threads of a block, and its columns where w is read along columns, and along terms.
ROWS_THREADS = 256
ROWS_COLUMNS = (128, 32)


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of cuda_tiles.cu.

    Attributes:
        rows, columns: of a block.
        thread_rows, thread_columns: of a thread.
        blocks: that a processor holds at once.
        unroll: terms that are written out.
        rate: products a clock of a busy processor.
        enough: blocks that keep a processor busy; fewer take as long.
        extra: terms in whose time a block starts and ends.
    """

    rows: int
    columns: int
    thread_rows: int
    thread_columns: int
    blocks: int
    unroll: int = DEPTH
    rate: float = 50.0
    enough: float = 2.0
    extra: float = DEPTH

    @property
    def threads(self) -> int:
        """Of a block."""
        return self.rows * self.columns // (self.thread_rows * self.thread_columns)

    def count(self, batch: int, rows: int, columns: int) -> int:
        """How many tiles cover the results."""
        return batch * -(-rows // self.rows) * -(-columns // self.columns)

    def macros(self) -> dict[str, int]:
        """What the kernel is compiled with."""
        return {
            "ROWS": self.rows,
            "COLUMNS": self.columns,
            "THREAD_ROWS": self.thread_rows,
            "THREAD_COLUMNS": self.thread_columns,
            "BLOCKS": self.blocks,
            "UNROLL": self.unroll,
        }


# By whether both signs are followed.
TILES = {
    False: (
        Tile(64, 64, 8, 8, 5, 4, rate=79.0, enough=4.5, extra=11.0),
        Tile(64, 64, 8, 4, 4, rate=72.5, enough=2.1, extra=8.0),
        Tile(16, 64, 4, 4, 8, rate=24.7, enough=1.9, extra=27.0),
    ),
    True: (
        Tile(32, 64, 4, 4, 4, rate=37.0, enough=6.0, extra=2.5),
        Tile(16, 64, 4, 4, 8, rate=20.2, enough=4.0, extra=53.0),
    ),
}
# In clocks, by whether both signs are followed: to clear the memory where parts join, and to join one result.
_CLEAR = {False: 4500.0, True: 950.0}
_JOIN = {False: 0.43, True: 0.14}
# The fewest terms of a part, and how full of blocks the parts make the GPU.
_FEWEST, _FULL = 48, (0.34, 0.5, 1.0, 2.0)


@lru_cache(maxsize=4096)
def chosen_tile(
    signed: bool, batch: int, rows: int, inner: int, columns: int, processors: int
) -> tuple[Tile, int]:
    """The tile, and how many parts.

    Args:
        signed: whether both signs are followed.
        batch: how many products.
        rows: of each.
        inner: terms of each result.
        columns: of each.
        processors: of the GPU.
    """
    ways = [
        (tile, parts)
        for tile in TILES[signed]
        for parts in part_counts(tile, tile.count(batch, rows, columns), inner, processors)
    ]

    def clocks(way: tuple[Tile, int]) -> float:
        tile, parts = way
        depth = -(-inner // (parts * DEPTH)) * DEPTH
        # Of the processor that has most.
        blocks = -(-tile.count(batch, rows, columns) * parts // processors)
        results = tile.rows * tile.columns
        work = max(blocks, tile.enough) * results * (depth + tile.extra) / tile.rate
        return work + (_CLEAR[signed] + _JOIN[signed] * results * blocks if parts > 1 else 0.0)

    return min(ways, key=clocks)


def part_counts(tile: Tile, tiles: int, inner: int, processors: int) -> list[int]:
    """The numbers of parts that are worth a thought: one, and those that make the GPU full to some degree.

    Args:
        tile: which.
        tiles: how many of them the results take.
        inner: terms of each result.
        processors: of the GPU.
    """
    if not tiles:
        return [1]
    full = processors / tiles
    wanted = {round(full), *(round(full * tile.blocks * degree) for degree in _FULL)}
    return [1, *sorted(parts for parts in wanted if 1 < parts <= inner // _FEWEST)]


def row_parts(blocks: int, inner: int, processors: int) -> int:
    """Into how many parts the terms of single rows are cut."""
    return max(1, min(4 * processors // max(1, blocks), inner // 256))
