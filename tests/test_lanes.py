"""Every test is run by exactly one of the five lanes of the Makefile."""

import itertools
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MAKEFILE = (TESTS.parent / "Makefile").read_text()
LANES = dict(re.findall(r"^LANE_(\w+) := (.+)$", MAKEFILE, re.MULTILINE))
MARKS = ("browser", "triton", "docs", "slow")
# The lanes that look into one folder only.
ROOMS = {"browser": TESTS / "browser", "docs": TESTS / "browser", "triton": TESTS / "core"}


def test_the_lanes_are_found():
    assert set(LANES) == {"FAST", "TRITON", "BROWSER", "DOCS", "SLOW"}
    assert all(MAKEFILE.count(f'"$(LANE_{name})"') == 1 for name in LANES)


@pytest.mark.parametrize("marked", [*itertools.product([False, True], repeat=len(MARKS))])
def test_each_test_is_in_one_lane(marked):
    """Whatever its marks are, but for both: nothing drives a browser and Triton at once."""
    marks = dict(zip(MARKS, marked, strict=True))
    if marks["browser"] and marks["triton"]:
        return
    taking = [name for name, said in LANES.items() if eval(said, {}, marks)]
    assert len(taking) == 1


@pytest.mark.parametrize("mark", ROOMS)
def test_what_is_marked_is_where_its_lane_looks(mark):
    marked = [path for path in TESTS.rglob("*.py") if f"pytest.mark.{mark}" in path.read_text()]
    assert marked
    assert all(path.is_relative_to(ROOMS[mark]) for path in marked if path != Path(__file__))


def test_slow_tests_are_neither_of_these():
    """The slow lane chooses no interpreter for Triton, and leaves a browser no machine of its own."""
    asking = [path for path in TESTS.rglob("*.py") if "pytest.mark.triton" in path.read_text()]
    for path in {*asking, *ROOMS["browser"].rglob("*.py")} - {Path(__file__)}:
        assert "mark.slow" not in path.read_text()
        assert "slow_but" not in path.read_text()


def test_ci_runs_every_lane():
    assert "make test-all" in (TESTS.parent / ".ci" / "run").read_text()
    assert re.search(r"^CHECKS := test-fast test-triton test-browser$", MAKEFILE, re.MULTILINE)
    assert "for part in test test-docs test-slow" in MAKEFILE
