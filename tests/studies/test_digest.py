"""A cell runs again where anything that decides on its rows has another text, and only there."""

import importlib
import sys
from functools import partial

import pytest

from examples.studies import digest
from examples.studies.digest import modules_behind, settings_of
from tests.studies import cells

FILES = {
    "measured/__init__.py": "",
    "measured/ran.py": "from measured.direct import one\ndef run():\n    from measured import late\n",
    "measured/direct.py": "import json\nimport measured.behind\none = 1\n",
    "measured/behind.py": "two = 2\n",
    "measured/late.py": "three = 3\n",
    "measured/report.py": "from measured.ran import run\n",
}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A package of a study, and a function that runs in it."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path, importlib.import_module("measured.ran").run
    digest._file_of.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "measured"]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["ran", "direct", "behind", "late", "__init__"])
def test_an_edited_module_changes_it(written, name):
    folder, run = written
    before = settings_of(run)
    assert settings_of(run) == before
    file = folder / "measured" / f"{name}.py"
    file.write_text(file.read_text() + "# edited\n")
    assert settings_of(run) != before


def test_a_module_that_is_not_imported_does_not(written):
    folder, run = written
    before = settings_of(run)
    (folder / "measured" / "report.py").write_text("# edited\n")
    assert settings_of(run) == before


def test_function_arguments_and_version_count(monkeypatch):
    one = partial(cells.counted, "folder", "a")
    digests = {settings_of(one), settings_of(partial(one, value=2.0)), settings_of(cells.interrupted)}
    monkeypatch.setattr(digest, "__version__", "another")
    assert len(digests | {settings_of(one)}) == 4


def test_helpers_that_studies_share_are_behind_their_cells():
    found = modules_behind("examples.studies.importance.measuring")
    assert {"examples.studies.bootstrap", "examples.studies.importance.parts"} <= found.keys()
    assert "examples.studies.importance.claims" not in found
