"""What pyproject.toml asks for has a lowest version, and `make test-lowest` tests with that one."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
# What users install, and what tests that; documents, benchmarks and git hooks are made with the newest.
PARTS = ("dependencies", "corpus", "gpu", "lab", "ray", "studies", "test")


def requirements():
    """Those of PARTS. By pattern, as Python 3.10 reads no TOML."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for part in PARTS:
        body = re.search(rf"^{part} = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1]
        yield from map(Requirement, re.findall(r'^ *"(.+?)",', body, re.MULTILINE))


FOREIGN = [each for each in requirements() if each.name != "semiring-widgets"]


@pytest.fixture(scope="module")
def pinned():
    lines = (ROOT / "tests" / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("==")) for pin in pins}


@pytest.mark.parametrize("asked", FOREIGN, ids=str)
def test_the_lowest_version_claimed_is_the_one_tested(asked, pinned):
    floors = [Version(bound.version) for bound in asked.specifier if bound.operator == ">="]
    assert floors == [pinned[canonicalize_name(asked.name)]]
