"""What a page holds of a corpus, and what the browser is to make of it.

``tests/fixtures/corpus.json`` holds sets of texts, brushes, and what Python says of these; vitest reads it.
Write it anew with ``SEMIRING_WIDGETS_WRITE_FIXTURES=1 pytest tests/overview/test_cells.py``.
"""

import base64
import json
import os
from pathlib import Path

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets.contract import messages
from semiring_widgets.contract.corpus_messages import answer_about_corpus, corpus_summary
from semiring_widgets.contract.corpus_table import BrushRequest
from semiring_widgets.overview.brush import Brush
from semiring_widgets.overview.cells import cells_of
from semiring_widgets.overview.numbers import BINS
from semiring_widgets.overview.reading import numbers_of
from tests.overview.made import write_folder

FILE = Path(__file__).parents[1] / "fixtures" / "corpus.json"
AXES = Brush("score", "entropy")


def boxes(numbers):
    """Boxes whose ends are ends of the coarsest bins, so that both ways mean the same texts."""
    (left, right), (low, high) = (numbers.edges(name) for name in (AXES.x, AXES.y))
    third = np.linspace(left, right, 4), np.linspace(low, high, 4)
    return [(), (third[0][1], third[0][3] + 1, third[1][0] - 1, third[1][2])]


def packed(header, buffer):
    return {"header": header, "buffer": base64.b64encode(buffer).decode()}


def test_the_fixture_is_what_python_says(numbers):
    cases = []
    for box in boxes(numbers):
        for groups in ((), (0, 2)):
            request = BrushRequest(id=3, x=AXES.x, y=AXES.y, box=box, groups=groups)
            answer = packed(*answer_about_corpus(numbers, request))
            cases.append({"box": list(box) or None, "groups": list(groups), "answer": answer})
    sent = {"summary": packed(*corpus_summary(numbers)), "cases": cases}
    for name, most in (("each", 10**6), ("binned", 3000)):
        columns, buffer = messages.pack(cells_of(numbers, AXES, most))
        sent[name] = packed({"columns": [vars(column) for column in columns]}, buffer)
    sent = json.loads(json.dumps(sent))
    if os.environ.get("SEMIRING_WIDGETS_WRITE_FIXTURES"):
        FILE.write_text(json.dumps(sent) + "\n", encoding="utf-8")
    assert json.loads(FILE.read_text(encoding="utf-8")) == sent


@pytest.mark.parametrize(("texts", "most"), [(60, 3000), (3000, 20_000), (3000, 150_000)])
def test_sets_hold_every_text_once(tmp_path, texts, most):
    numbers = numbers_of(sw.read_corpus(write_folder(tmp_path / "run", texts)))
    cells = cells_of(numbers, AXES, most)
    assert cells["count"].sum() == len(numbers)
    assert cells["effect_sum"].sum(0) == pytest.approx(np.nansum(numbers.effects, 0), rel=1e-4, abs=1e-3)
    assert cells["effect_count"].sum(0).tolist() == np.isfinite(numbers.effects).sum(0).tolist()
    bins = cells["edges"].shape[1] - 1
    assert BINS % bins == 0
    assert bins == 3 or sum(array.size for array in cells.values()) <= most


def test_a_small_corpus_is_held_text_by_text(numbers):
    cells = cells_of(numbers, AXES)
    assert "count" not in cells
    assert len(cells["group"]) == len(numbers)
