"""What many selections are told together is what each is told by itself; the same of tests."""

import math

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets.core.anatomy import many_cuts
from semiring_widgets.core.paths import many_sets
from semiring_widgets.errors import InputError
from semiring_widgets.explanation import demo
from tests.explanation.test_session import SELECTIONS

HEAD, MLP, WORD = {"layer": 3, "head": 3}, {"layer": 1, "branch": "mlp"}, {"token": 2}
# Such that some are asked of one cut alone, some begin with the same cut, and some end with it.
MANY = [[HEAD], [MLP], [WORD], [WORD, HEAD], [MLP, HEAD], *SELECTIONS.values()]
# What an explanation may be about: all paths, those through a part, and sets that are never asked together.
ABOUT = {
    "all": ({}, MANY),
    "few bytes": ({"max_memory": 40_000_000}, MANY),
    "through": ({"through": {"layer": 1, "head": 2}}, MANY[:6]),
    "avoiding": ({"avoiding": {"layer": 2, "head": 0}}, MANY[3:5]),
    "statistics": ({"semiring": "count"}, MANY[3:5]),
}


def explained(**options):
    return sw.explain(*sw.load_demo(), demo.DEMO_TEXT, "are", "is", paths=2, **options)


@pytest.fixture(scope="module")
def result():
    return explained(rankings="contribution")


@pytest.fixture(scope="module")
def session(result):
    return result.session


@pytest.mark.parametrize(("options", "many"), ABOUT.values(), ids=ABOUT.keys())
def test_many_selections_are_told_what_each_is_told(options, many):
    session = explained(rankings="best", **options).session
    together = session.conditioned_each(many)
    assert len(together) == len(many)
    for parts, (table, log_share) in zip(many, together, strict=True):
        alone, own_share = session.conditioned(parts)
        # No digit of the flow depends on what else was asked.
        assert table.equals(alone), parts
        assert log_share == own_share
        for name in ("log_mass", "best_log_weight"):
            assert table.attrs[name] == alone.attrs[name], (parts, name)
        # These are summed up at another place, in float32.
        assert table.attrs["entropy"] == pytest.approx(alone.attrs["entropy"], rel=2e-6, nan_ok=True)
        mass = math.exp(own_share)
        assert table.attrs["contribution"] == pytest.approx(
            alone.attrs["contribution"], rel=1e-5, abs=1e-5 * mass
        )


def test_a_sum_that_is_too_coarse_is_made_again(session, monkeypatch):
    """As for deep models, whose masses are beyond what float32 tells apart."""
    from semiring_widgets.core.semirings import Entropy

    monkeypatch.setattr(Entropy, "coarse", lambda self, value: True)
    wide = session.conditioned([WORD])[0].attrs["entropy"]
    ((table, _),) = session.conditioned_each([[WORD]])
    assert table.attrs["entropy"] == wide


def test_sets_that_share_a_part_share_its_sweeps(session, monkeypatch):
    swept = []
    plain = many_cuts.sweep_backward
    monkeypatch.setattr(
        many_cuts, "sweep_backward", lambda *args, **kwargs: swept.append(args) or plain(*args, **kwargs)
    )
    heads = [{"layer": layer, "head": head} for layer in range(3) for head in range(4)]
    session.conditioned_each([[part, HEAD] for part in heads])
    # For the flow once from the head that all pass, and once from each of the other layers, whose heads go
    # side by side; for the sums once from that head.
    assert len(swept) == 1 + 3 + 1


@pytest.mark.parametrize("wrong", [{"layer": 3, "head": 4}, {"token": 12}, "x"], ids=str)
def test_a_wrong_part_among_them_is_refused(session, wrong):
    with pytest.raises(InputError):
        session.conditioned_each([[WORD], wrong])


def test_nothing_asked_is_nothing_told(session):
    assert session.conditioned_each([]) == []
    ((table, log_share),) = session.conditioned_each([[]])
    assert log_share == pytest.approx(0, abs=1e-5)
    assert table.equals(session.conditioned([])[0])


def test_selections_that_are_read_once_are_read_once(session):
    ((table, _),) = session.conditioned_each([(part for part in [HEAD])])
    assert table.equals(session.conditioned([HEAD])[0])


def test_memory_bounds_how_many_are_asked_at_a_time(monkeypatch):
    together = []
    plain = many_sets._Together
    monkeypatch.setattr(
        many_sets, "_Together", lambda some, keep: together.append(len(some)) or plain(some, keep)
    )
    few = explained(rankings="best", max_memory=3_600_000).session
    few.conditioned_each([[WORD, HEAD], [MLP, HEAD], [HEAD]])
    assert set(together) == {1}


def test_it_can_be_stopped(session):
    def stop():
        raise KeyError("stop")

    with pytest.raises(KeyError):
        session.conditioned_each(MANY, stop)
    assert not session._held().lock.locked()


def test_many_tests_find_what_each_finds(result, session):
    route = next(family.steps for family in result.ranking("contribution").families if family.steps)
    asked = [([HEAD], ()), ([], route), ([MLP, HEAD], ()), ([WORD], ())]
    found = session.test_each(asked)
    for one, test in zip(asked, found, strict=True):
        alone = session.test(*one)
        assert (test.parts, test.steps, test.label, test.by) == (
            alone.parts,
            alone.steps,
            alone.label,
            alone.by,
        )
        numbers = ("before", "after", "predicted")
        np.testing.assert_allclose(
            [getattr(test, name) for name in numbers],
            [getattr(alone, name) for name in numbers],
            rtol=1e-5,
            atol=1e-5,
        )


def test_tests_of_routes_alone_and_of_nothing(result, session):
    route = next(family.steps for family in result.ranking("contribution").families if family.steps)
    (found,) = session.test_each([([], route)])
    assert found.after == pytest.approx(session.test([], route).after, abs=1e-5)
    assert session.test_each([]) == []


def test_one_that_cannot_be_tested_spoils_no_other(session):
    # A skip connection has no output of its own.
    first, none, last = session.test_each(
        [([HEAD], ()), ([{"layer": 1, "branch": "skip"}], ()), ([WORD], ())]
    )
    assert none is None
    assert (first.parts[0].head, last.parts[0].token) == (3, 2)
