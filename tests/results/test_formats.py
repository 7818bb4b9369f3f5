"""Files of every format that there has been are kept, and read: what was in them is in the result.

They are in ``tests/fixtures``, by kind and format, as the version of their day wrote them, and are never
written again. After a new format, ``SEMIRING_WIDGETS_WRITE_FIXTURES=1 pytest tests/results/test_formats.py``
adds those that are missing.
"""

import html
import os
import re
from pathlib import Path

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets.results import Comparison, archive, old_format, storage
from semiring_widgets.results.cells import ImageComparison, ImageExplanation, SoundExplanation
from tests.cell_results import cell_results

FIXTURES = Path(__file__).parents[1] / "fixtures"
KINDS = {
    one.kind: one
    for one in (
        *(sw.Explanation, Comparison, sw.SideBySide),
        *(ImageExplanation, ImageComparison, SoundExplanation),
    )
}
# Which format of a published version was the first to hold a kind.
FIRST = dict.fromkeys(KINDS, 4) | {"explanation": 1, "comparison": 1}
EXPECTED = [
    (kind, version) for kind, first in FIRST.items() for version in range(first, storage.FORMAT_VERSION + 1)
]


def file_of(kind, version):
    return FIXTURES / f"{kind}_v{version}.{'nc' if version == 1 else 'zip'}"


@pytest.fixture(autouse=True)
def written(request):
    """Adds files of the present format, if they are asked for and missing."""
    if os.environ.get("SEMIRING_WIDGETS_WRITE_FIXTURES") != "1":
        return
    for kind in KINDS:
        path = file_of(kind, storage.FORMAT_VERSION)
        if not path.exists():
            made = cell_results().get(kind)
            (made or request.getfixturevalue(f"make_{kind}")()).save(path)


def test_every_kind_that_is_saved_has_files_of_all_its_formats():
    assert set(KINDS) == set(storage._READERS)
    kept = {
        (match[1], int(match[2]))
        for path in FIXTURES.iterdir()
        if (match := re.fullmatch(r"(\w+)_v(\d+)\.(?:nc|zip)", path.name))
    }
    assert kept == set(EXPECTED)


@pytest.mark.parametrize(("kind", "version"), EXPECTED)
def test_nothing_that_a_file_holds_is_lost(kind, version, tmp_path):
    data = file_of(kind, version).read_bytes()
    document, arrays = archive.unpacked(old_format.converted(data) if version == 1 else data)
    assert (document.pop("format"), document.pop("kind")) == ("semiring_widgets", kind)
    assert document.pop("version") == version
    back = KINDS[kind].load(file_of(kind, version))
    assert type(back) is KINDS[kind]
    back.save(tmp_path / "again.zip")
    told, numbers = archive.unpacked((tmp_path / "again.zip").read_bytes())
    for name, value in document.items():
        assert covers(told[name], value), name
    for name, values in arrays.items():
        np.testing.assert_array_equal(numbers[name], values)


def covers(told, written):
    """Whether all that was written is told; later versions tell more."""
    if isinstance(written, dict):
        return all(covers(told[name], value) for name, value in written.items())
    if isinstance(written, list):
        return len(told) == len(written) and all(map(covers, told, written))
    return told == written


@pytest.mark.parametrize(("kind", "version"), EXPECTED)
def test_what_is_in_an_old_file_is_shown(kind, version, tmp_path):
    back = KINDS[kind].load(file_of(kind, version))
    assert back.score.label in html.unescape(back.to_html(tmp_path / "page.html").read_text("utf-8"))
