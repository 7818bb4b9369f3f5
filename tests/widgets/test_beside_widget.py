"""Two explanations side by side: a question about both, in the kernel and in the page."""

import math

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets.contract import messages
from semiring_widgets.contract.both import both
from semiring_widgets.errors import InputError
from semiring_widgets.export.both_ahead import both_ahead
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results.holding import HeldSession, keep_newest, sessions_of


def asked(sides, *parts, **others):
    return both(sides, {"type": "both", "id": 3, "selection": list(parts), **others})


def test_each_side_is_asked_for_its_own_token(make_beside):
    sides = make_beside()
    place = next(place for place, (i, j) in enumerate(sides.places[0]) if i >= 0 and i != j and j >= 0)
    header, buffer = asked(sides, {"token": place}, avoiding=[{"layer": 1, "head": 0}])
    for side, one in enumerate(sides.sides):
        assert one.session.asked[-1][0]["token"] == sides.places[0][place][side]
    assert header["refusals"] == ["", ""]
    assert header["log_shares"] == [-0.5, -0.5]
    found = messages.unpack(header["columns"], buffer)["token_mass_share"]
    own = sides.second.session.conditioned([])[0]["token_mass_share"].values
    assert found.shape == (2, len(sides.places[0]))
    np.testing.assert_array_equal(found[1, [j >= 0 for _, j in sides.places[0]]], own)


def test_a_word_of_one_side_has_numbers_there_only(make_beside):
    sides = make_beside()
    (place,) = (place for place, (i, _) in enumerate(sides.places[0]) if i < 0)
    header, buffer = asked(sides, {"token": place})
    assert header["refusals"] == ["A: it has no such word.", ""]
    assert header["log_shares"] == [None, -0.5]
    found = messages.unpack(header["columns"], buffer)["head_mass_share"]
    assert np.isnan(found[0]).all()
    assert not np.isnan(found[1]).any()


def test_what_neither_side_can_answer_is_refused(make_beside, make_explanation):
    gone = sw.beside(make_explanation(session=False), make_explanation(session=False))
    with pytest.raises(InputError, match=r"A: its numbers need the model.* B: its numbers need the model"):
        asked(gone, {"token": 1})
    with pytest.raises(InputError, match="There is no place 99"):
        asked(make_beside(), {"token": 99})
    with pytest.raises(InputError, match="answer both, not 'condition'"):
        both(make_beside(), {"type": "condition", "selection": []})


def test_both_recordings_are_kept_while_they_are_shown():
    first, second, later = (HeldSession(object()) for _ in range(3))
    keep_newest(first, second)
    keep_newest(first, second)
    assert not first.released
    assert not second.released
    keep_newest(later)
    assert first.released
    assert second.released


def test_the_widget_shows_and_answers(make_beside):
    sides = make_beside()
    widget = sw.widgets.BesideWidget(sides)
    assert widget.summary["type"] == "beside"
    assert sessions_of(sides) == (sides.first.session, sides.second.session)
    bundle = sides._repr_mimebundle_()
    assert bundle["text/plain"] == plain(sides)
    assert "image/png" in bundle


def test_a_page_answers_for_what_differs_most_first(make_beside):
    sides = make_beside()
    found = both_ahead(sides, 10**7, 6)
    assert [one["type"] for one, _ in found] == ["both"] * 6
    difference = np.abs(sides.dataset["token_effect"].values[2])
    assert found[0][0]["selection"][0]["token"] == int(np.nanargmax(difference))
    assert math.isclose(found[0][0]["log_shares"][0], -0.5)
    assert both_ahead(sides, 0) == []
