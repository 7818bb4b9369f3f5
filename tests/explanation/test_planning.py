"""An explanation knows what it will take, makes do with less, and is refused where that is too little."""

import re

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.live_memory import LiveMemory
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.tape import Tape
from semiring_widgets.errors import MemoryLimitError
from semiring_widgets.explanation import planning
from semiring_widgets.explanation.estimate import estimate_explain
from tests.core.zoo.shrinking import build
from tests.explanation.tiny import tokenizer_of

TEXT = "The keys to the cabinet [MASK] on the table."
MB = 1_000_000


@pytest.fixture(scope="module")
def demo():
    return sw.load_demo()


@pytest.fixture(scope="module")
def explained(demo):
    return sw.explain(*demo, TEXT, "are", "is")


def numbers_agree(one, other):
    for name in one.dataset.data_vars:
        found, expected = (torch.from_numpy(e.dataset[name].values) for e in (other, one))
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6, equal_nan=True)
    for expected, found in zip(one.rankings, other.rankings, strict=True):
        assert [r.label for r in found.routes] == [r.label for r in expected.routes]
        for number in ("contribution", "log_weight", "log_mass"):
            mine, theirs = ([getattr(r, number) for r in each.routes] for each in (found, expected))
            assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-6)


@pytest.fixture
def free(monkeypatch):
    """Say how much memory is free beside what a tape holds already."""

    def say(size):
        monkeypatch.setattr(planning, "free_memory", lambda _: size)

    return say


def test_plenty_is_not_planned(demo, explained, monkeypatch):
    monkeypatch.setattr(planning, "fit", None)
    numbers_agree(explained, sw.explain(*demo, TEXT, "are", "is"))


def test_where_little_is_free_it_makes_do_and_no_number_changes(demo, explained, free, monkeypatch):
    shrunk = []
    monkeypatch.setattr(
        Tape, "shrink", lambda tape, limit=0: (shrunk.append(tape), tape.keeping.shrink(limit))
    )
    free(1000)
    with pytest.raises(MemoryLimitError) as refused:
        sw.explain(*demo, TEXT, "are", "is")
    needed = MB * (0.1 + float(re.search(r"about ([\d.]+) MB", str(refused.value)).group(1))) / planning.SHARE
    free(needed)
    found = sw.explain(*demo, TEXT, "are", "is")
    assert shrunk
    assert shrunk[-1].segments.cuts
    assert needed < estimate_explain(*demo, TEXT, "are", "is")
    numbers_agree(explained, found)


def test_too_little_is_refused_with_what_to_do(demo, free):
    free(1000)
    with pytest.raises(
        MemoryLimitError, match=r"explain needs about .* are free on cpu\. Give a shorter text"
    ):
        sw.explain(*demo, TEXT, "are", "is")
    with pytest.raises(MemoryLimitError, match=r"max_memory.*raise max_memory"):
        sw.explain(*demo, TEXT, "are", "is", max_memory=1000)


@pytest.mark.parametrize(
    ("dtype", "sizes"),
    [
        (torch.float32, {"hidden_size": 256, "intermediate_size": 1024, "vocab_size": 90}),
        (torch.bfloat16, {"hidden_size": 256, "intermediate_size": 1024, "vocab_size": 4096}),
    ],
    ids=str,
)
def test_the_estimate_is_near_what_is_taken(dtype, sizes):
    model = build("LlamaForCausalLM", "sdpa", **sizes).to(dtype)
    text = " ".join(f"w{number}" for number in range(10, 60))
    asked = (model, tokenizer_of(90), text, "w7", "w8")
    estimate = estimate_explain(*asked)
    with full_precision(), LiveMemory() as memory:
        sw.explain(*asked, paths=1)
    assert estimate == pytest.approx(memory.peak, rel=0.25)
