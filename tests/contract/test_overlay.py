"""The message of a picture or a sound, which the TypeScript tests read, too.

``tests/fixtures/overlay.json`` holds one of each kind; write it anew with
``SEMIRING_WIDGETS_WRITE_FIXTURES=1 pytest tests/contract/test_overlay.py``, and run vitest.
"""

import base64
import json
import os
from pathlib import Path

import numpy as np
import pytest

from semiring_widgets.contract.messages import unpack
from semiring_widgets.contract.overlay_messages import overlay_summary
from semiring_widgets.results.cells import ImageExplanation
from tests import made_cells

FILE = Path(__file__).parents[1] / "fixtures" / "overlay.json"
MADE = {"image": made_cells.build_image, "sound": made_cells.build_sound, "methods": made_cells.build_methods}


def numbers(result):
    header, buffer = overlay_summary(result)
    return header, unpack(header["columns"], buffer)


def test_the_fixtures_are_what_is_sent():
    sent = {}
    for kind, build in MADE.items():
        header, buffer = overlay_summary(build())
        sent[kind] = {"header": header, "buffer": base64.b64encode(buffer).decode()}
    if os.environ.get("SEMIRING_WIDGETS_WRITE_FIXTURES"):
        FILE.write_text(json.dumps(sent, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    assert json.loads(FILE.read_text(encoding="utf-8")) == json.loads(json.dumps(sent))


@pytest.mark.parametrize("kind", MADE)
def test_every_measure_has_its_numbers_and_the_end_of_its_scale(kind):
    result = MADE[kind]()
    header, columns = numbers(result)
    assert header["measures"][0]["name"] == "effect"
    for measure in header["measures"]:
        values = columns[measure["name"]]
        assert values.shape == (result.grid.cells,)
        size = values if measure["scale"] == "log" else np.abs(values)
        assert measure["peak"] == pytest.approx(size.max(), rel=1e-6)


def test_a_method_that_failed_is_told_and_not_drawn():
    header, columns = numbers(made_cells.build_methods())
    assert [one["label"] for one in header["measures"]] == ["effect", "GradCAM"]
    assert header["methods"][2]["error"].startswith("mine failed")
    assert "method_2" not in columns


def test_a_large_picture_is_sent_as_large_as_a_screen_shows_it():
    header, columns = numbers(made_cells.build_image(1200, 1600))
    small = columns["picture"]
    assert small.shape == (384, 512, 3)
    assert header["grid"]["columns"][-1] == 1600  # what the cells are told by stays
    whole = made_cells.picture(1200, 1600)
    assert np.abs(small.mean((0, 1)) / 255 - whole.mean((0, 1))).max() < 2e-3


def test_a_small_picture_is_sent_as_it_is():
    result = made_cells.build_image()
    assert np.array_equal(numbers(result)[1]["picture"], np.rint(255 * result.picture).astype(np.uint8))


def test_a_waveform_keeps_its_lowest_and_highest_sample():
    result = made_cells.build_sound(samples=5000)
    ends = numbers(result)[1]["waveform"]
    assert ends.shape == (2, 1200)
    assert (ends[0].min(), ends[1].max()) == (result.waveform.min(), result.waveform.max())
    assert (ends[0] <= ends[1]).all()


def test_a_saved_answer_is_shown_alike(tmp_path):
    result = made_cells.build_image()
    result.save(tmp_path / "image.nc")
    assert overlay_summary(ImageExplanation.load(tmp_path / "image.nc")) == overlay_summary(result)
