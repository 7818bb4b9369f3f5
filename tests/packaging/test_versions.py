"""One version everywhere: the package, the changelog, the JavaScript and JupyterLab's extension."""

import json
import re
from pathlib import Path

import pytest

from semiring_widgets import __version__

ROOT = Path(__file__).parents[2]


def test_the_changelog_begins_with_this_version():
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first[1] == __version__


@pytest.mark.parametrize("name", ["package.json", "package-lock.json", "labextension/package.json"])
def test_the_javascript_has_this_version(name):
    facts = json.loads((ROOT / "js" / name).read_text(encoding="utf-8"))
    assert facts["version"] == facts.get("packages", {}).get("", facts)["version"] == __version__


def test_the_project_takes_it_from_there():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r"^(?:version|dynamic) = .*$", text, re.MULTILINE) == ['dynamic = ["version"]']
