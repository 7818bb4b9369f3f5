"""One version everywhere: of the package, in the changelog and in the extension of JupyterLab."""

import json
import re
from pathlib import Path

from semiring_widgets import __version__

ROOT = Path(__file__).parents[2]


def test_the_changelog_begins_with_this_version():
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first[1] == __version__


def test_the_extension_of_jupyterlab_has_this_version():
    facts = json.loads((ROOT / "js" / "labextension" / "package.json").read_text(encoding="utf-8"))
    assert facts["version"] == __version__


def test_nothing_else_says_its_own_version():
    facts = json.loads((ROOT / "js" / "package.json").read_text(encoding="utf-8"))
    assert "version" not in facts
    assert re.search(
        r'^dynamic = \["version"\]$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M
    )
