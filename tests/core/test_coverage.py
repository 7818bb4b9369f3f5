"""Every operator and module of PyTorch's databases: what `COVERAGE.md` says of it is true.

The page tells of one version of PyTorch. With another one there are other samples: they are equal or refused.
"""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import UnsupportedOpError
from tests.core.coverage import PAGE, equal_on, line, others_on, parts
from tests.core.databases import MISTAKEN, REFUSED, SAME, find, left_out
from tests.lanes import every

# Of those that are equal, so many samples are asked here; `python -m tests.core.coverage --check` asks all.
SAMPLES = {"Operators": 6, "Operators on complex numbers": 3, "Modules": 6}
PARTS = parts()
TEXT = PAGE.read_text()
OF_THIS_PYTORCH = f"with PyTorch {torch.__version__.split('+')[0]};" in TEXT
REAL = ("Operators", "Modules")
EQUAL = {part: set(equal_on(TEXT, part)) for part in PARTS}


SECOND = every(2)


def asked_always(case):
    """Every second one on real numbers; `test_the_page_is_true` asks all."""
    return case[0] in REAL and SECOND(case)


CASES = [(part, name) for part, names in PARTS.items() for name in names]


@pytest.mark.parametrize(
    ("part", "name"),
    [case for case in CASES if case[1] in EQUAL[case[0]] and asked_always(case)],
)
def test_a_sample_of_it_is_equal(part, name):
    finding = find(PARTS[part][name], 1)
    if finding.verdict is None:  # the first sample may hold no number at all, as that of `linalg.eig`
        finding = find(PARTS[part][name], SAMPLES[part])
    assert finding.verdict in ({SAME} if OF_THIS_PYTORCH else {None, SAME, REFUSED, MISTAKEN})


@pytest.mark.slow
@pytest.mark.parametrize(("part", "name"), CASES)
def test_the_page_is_true(part, name):
    if not OF_THIS_PYTORCH:
        finding = find(PARTS[part][name], SAMPLES[part])
        assert finding.verdict in {None, SAME, REFUSED, MISTAKEN}, line(name, finding)
    elif name in EQUAL[part]:
        finding = find(PARTS[part][name], SAMPLES[part])
        assert finding.verdict == SAME, line(name, finding)
    else:
        assert line(name, find(PARTS[part][name])) in others_on(TEXT, part)


@pytest.mark.skipif(not OF_THIS_PYTORCH, reason="the page tells of another PyTorch")
@pytest.mark.parametrize("part", PARTS)
def test_nearly_all_are_equal(part):
    """The others are refused, or autograd is wrong or has no answer."""
    assert set(PARTS[part]) >= EQUAL[part]
    assert len(EQUAL[part]) > 0.97 * len(PARTS[part])
    for text in others_on(TEXT, part):
        assert any(said in text for said in ("samples refused: ", f"samples {MISTAKEN}: ", "has no answer"))


@pytest.mark.skipif(not OF_THIS_PYTORCH, reason="the page tells of another PyTorch")
def test_the_page_says_what_is_left_out():
    left = TEXT.split("## Left out")[1]
    for names in left_out():
        assert all(f"`{name}`" in left for name in names)


def test_where_autograd_is_wrong_there_is_a_sentence():
    x, patch = torch.ones(4), torch.zeros(2)
    with pytest.raises(UnsupportedOpError, match="wrong way round"), sw.record():
        torch.as_strided_scatter(x, patch, (2,), (1,), 1)
