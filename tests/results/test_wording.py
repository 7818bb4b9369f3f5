"""Numbers in words: the same in both languages, by the cases that vitest reads too."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from semiring_widgets.results import wording

CASES = json.loads((Path(__file__).parents[1] / "fixtures" / "wording.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_written_as_in_the_browser(name):
    write = getattr(wording, name)
    assert [[value, write(value)] for value, _ in CASES[name]] == CASES[name]


@pytest.mark.parametrize("name", sorted(set(CASES) - {"nats"}))
def test_what_is_no_number_is_not_known(name):
    write = getattr(wording, name)
    assert write(math.nan) == write(None)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_numbers_of_arrays_are_written_alike(name, kind):
    write = getattr(wording, name)
    for value in (0.0, 0.5, 3.0, 1024.0, 0.75 * 2**-40, 1.5 * 2**40):
        assert write(kind(value)) == write(value)


def test_every_wording_has_cases():
    assert set(CASES) == set(wording.__all__)
