"""Which tile a contraction on an NVIDIA GPU takes, and into how many parts its terms are cut.

A fixed rule: it estimates each tile's time from a few measured numbers. Nothing is tried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

__all__ = ["DEPTH", "ROWS_COLUMNS", "ROWS_THREADS", "TILES", "Tile", "choice", "row_parts"]

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
        rate: products a clock of a processor full of them.
        unroll: terms that are written out.
    """

    rows: int
    columns: int
    thread_rows: int
    thread_columns: int
    blocks: int
    rate: float
    unroll: int = DEPTH

    @property
    def threads(self) -> int:
        """Of a block."""
        return self.rows * self.columns // (self.thread_rows * self.thread_columns)

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
        Tile(128, 128, 8, 8, 2, 53.0),
        Tile(64, 128, 8, 8, 3, 50.0),
        Tile(128, 64, 8, 8, 3, 50.0),
        Tile(64, 64, 8, 8, 5, 48.0),
        Tile(64, 64, 8, 4, 4, 45.0),
        Tile(32, 64, 4, 4, 4, 35.0),
        Tile(16, 128, 4, 8, 6, 35.0),
        Tile(16, 64, 4, 4, 8, 30.0),
    ),
    True: (
        Tile(64, 64, 8, 4, 4, 26.0),
        Tile(64, 64, 8, 4, 3, 26.0),
        Tile(128, 64, 8, 4, 1, 26.0),
        Tile(32, 64, 4, 4, 4, 20.0),
        Tile(16, 64, 4, 4, 8, 18.0),
    ),
}
# In clocks: a launch's start and end, clearing memory for parts, and joining one result there.
_START, _CLEAR, _JOIN = 4000.0, 3000.0, 0.05
_FEWEST = 64


@lru_cache(maxsize=4096)
def choice(
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
    best: tuple[float, Tile, int] | None = None
    for tile in TILES[signed]:
        tiles = batch * -(-rows // tile.rows) * -(-columns // tile.columns)
        most = max(1, min(2 * processors * tile.blocks // tiles, inner // _FEWEST))
        for parts in sorted({1, *(2**i for i in range(1, 8)), 3, 6, 12, 24, most}):
            if parts <= most:
                taken = _clocks(tile, tiles, inner, parts, processors)
                if best is None or taken < best[0]:
                    best = taken, tile, parts
    return (TILES[signed][0], 1) if best is None else best[1:]


def _clocks(tile: Tile, tiles: int, inner: int, parts: int, processors: int) -> float:
    depth = -(-inner // (parts * DEPTH)) * DEPTH
    work = tile.rows * tile.columns * (depth + DEPTH)
    # Blocks of the processor that has most; alone, a block cannot hide its own waiting.
    blocks = -(-tiles * parts // processors)
    busy = min(1.0, 0.3 + 0.7 * blocks / tile.blocks)
    clocks = blocks * work / (tile.rate * busy)
    if parts > 1:
        clocks += _CLEAR + _JOIN * tile.rows * tile.columns * blocks
    return _START + clocks


def row_parts(blocks: int, inner: int, processors: int) -> int:
    """Into how many parts the terms of single rows are cut."""
    return max(1, min(4 * processors // blocks, inner // 256))
