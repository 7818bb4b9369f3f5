"""What the view of a large corpus takes: its first read, a brush, what is sent first, and the page.

The numbers are drawn, of a model of 4 layers and 4 heads unless another is asked for; no model is asked.
"read" is from the Parquet files to what a view shows; "brush" the median of boxes around half, a tenth and a
hundredth of the texts, counted anew in Python; "sent" what a widget gets at first, "page" the file of
`Corpus.to_html`; "means" the averages of heads, with intervals, and "peak" the most memory so far. With
--whole, tables have all rows of a real run, in its chunks: of 100,000 texts 206 million, which takes minutes
to draw.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import semiring_widgets as sw
from semiring_widgets.contract.corpus_messages import axes_of, corpus_summary
from semiring_widgets.overview.aggregates import aggregate
from semiring_widgets.overview.brush import Brush
from semiring_widgets.overview.numbers import CorpusNumbers
from semiring_widgets.overview.reading import numbers_of
from tests.benchmarks.measuring import Report, clock, interleaved
from tests.overview.made import write_folder

SHARES = (0.5, 0.1, 0.01)


def main(given: list[str] | None = None) -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--texts", type=int, nargs="+", default=[1_000, 100_000])
    options.add_argument("--layers", type=int, default=4)
    options.add_argument("--heads", type=int, default=4)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--whole", action="store_true")
    chosen = options.parse_args(given)
    report = Report("overview")
    for texts in chosen.texts:
        with tempfile.TemporaryDirectory() as folder:
            path = write_folder(
                Path(folder) / "run",
                texts,
                layers=chosen.layers,
                heads=chosen.heads,
                chunk=128 if chosen.whole else 1000,
                whole=chosen.whole,
            )
            report.add(**measured(path, chosen.rounds))
    print(report.write())


def measured(path: Path, rounds: int) -> dict[str, Any]:
    """One row of the table.

    Args:
        path: a folder of a run.
        rounds: how often a brush is drawn.
    """
    corpus = sw.read_corpus(path)
    numbers, read = _timed(lambda: numbers_of(corpus))
    (_, buffer), first = _timed(lambda: corpus_summary(numbers))
    page, written = _timed(lambda: corpus.to_html(path.parent / "page.html"))
    boxes = {f"{share:g}": _box(numbers, share) for share in SHARES}
    brushes = interleaved(
        {name: lambda box=box: aggregate(numbers, box) for name, box in boxes.items()}, rounds
    )
    return {
        "texts": f"{len(numbers):,}",
        "read s": read,
        "first sight s": first,
        **{f"brush {name}, ms": 1e3 * taken for name, taken in brushes.items()},
        "sent kB": len(buffer) / 1e3,
        "page s": written,
        "page MB": page.stat().st_size / 1e6,
        "means s": _timed(lambda: corpus.averages("effect", "head"))[1],
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def _box(numbers: CorpusNumbers, share: float) -> Brush:
    """Around that share of the texts, by the first number and all of the second."""
    whole = axes_of(numbers)
    ends = np.nanquantile(numbers.number(whole.x), [0.5 - share / 2, 0.5 + share / 2])
    return Brush(whole.x, whole.y, (*ends.tolist(), *numbers.edges(whole.y)))


def _timed(act: Callable[[], Any]) -> tuple[Any, float]:
    start = clock()
    found = act()
    return found, clock() - start


if __name__ == "__main__":
    main()
