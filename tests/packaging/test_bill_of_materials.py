"""What the JavaScript bundle is made of is named and licensed: in the bill beside it and in the wheel."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "semiring_widgets" / "widgets" / "static"
LOCK = json.loads((ROOT / "js" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
LICENCES = (ROOT / "js" / "THIRD_PARTY_LICENSES.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bill():
    path = STATIC / "widget.cdx.json"
    if not path.exists():
        pytest.skip("the bundle is not built here")
    return json.loads(path.read_text(encoding="utf-8"))


def imported():
    """Packages that our modules import; those of tests and tools aside."""
    for path in (ROOT / "js" / "src").rglob("*.ts"):
        if ".test." not in path.name and not path.name.endswith(".d.ts"):
            yield from re.findall(r'\bfrom "((?:@[\w.-]+/)?[a-z][\w.-]*)', path.read_text(encoding="utf-8"))


def test_all_that_is_imported_and_nothing_else_is_in_the_bill(bill):
    assert (
        {part["name"] for part in bill["components"]}
        == set(imported()) & set(LOCK[""]["dependencies"])
        != set()
    )


def test_the_bill_is_of_this_bundle_and_of_the_versions_that_are_locked(bill):
    told = bill["metadata"]["component"]["hashes"]
    assert told == [
        {"alg": "SHA-256", "content": hashlib.sha256((STATIC / "widget.js").read_bytes()).hexdigest()}
    ]
    for part in bill["components"]:
        locked = LOCK[f"node_modules/{part['name']}"]
        assert part["version"] == locked["version"]
        assert part["licenses"] == [{"license": {"id": locked["license"]}}]


def test_licences_of_what_is_bundled_are_shipped_and_in_the_package_s_own(bill):
    (said,) = re.findall(r'^license = "(.+?)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    for part in bill["components"]:
        (licence,) = [each["license"]["id"] for each in part["licenses"]]
        assert f"{part['name']} {part['version']} ({licence})\n" in LICENCES
        assert licence in said.split(" AND ")
