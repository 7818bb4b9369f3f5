"""Recordings in a notebook: the newest explanation shown keeps its own, all others give theirs up."""

import gc
import threading
from dataclasses import replace

import pytest

import semiring_widgets as sw
from semiring_widgets.core import Tape
from semiring_widgets.errors import InputError
from semiring_widgets.explanation import run_steps
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.results.holding import HeldSession, keep_newest
from semiring_widgets.widgets import ComparisonWidget, ExplanationWidget
from semiring_widgets.widgets.display import widget_of

TEXT = "The keys to the cabinet [MASK] here."


@pytest.fixture(scope="module")
def demo():
    return sw.load_demo()


@pytest.fixture
def held(make_explanation):
    def make():
        result = make_explanation()
        return replace(result, session=HeldSession(result.session))

    return make


@pytest.fixture(autouse=True)
def nothing_held():
    """What an earlier test has shown gives its recording up."""
    keep_newest(HeldSession(object()))


def tapes():
    gc.collect()
    return sum(type(thing) is Tape for thing in gc.get_objects())


def test_showing_again_and_again_keeps_one_recording(demo, bundle):
    before = tapes()
    for _ in range(3):
        result = sw.explain(*demo, TEXT, "are", "is", rankings="best", paths=1)
        widget_of(result)
        del result
        assert tapes() == before + 1
    sw.widgets.ExplanationWidget.close_all()
    assert tapes() == before


def test_live_widgets_keep_one_recording(demo, bundle):
    before = tapes()
    for _ in range(3):
        widget = sw.widgets.explain(*demo, TEXT, "are", "is", rankings="best", paths=1)
        widget.wait()
        del widget
    assert tapes() == before + 1
    sw.widgets.ExplanationWidget.close_all()
    assert tapes() == before


def test_a_failed_job_keeps_no_recording(demo, bundle, monkeypatch):
    def fail(*_, **__):
        raise InputError("no")

    monkeypatch.setattr(run_steps, "fitted", fail)  # after the recording
    before = tapes()
    widget = sw.widgets.explain(*demo, TEXT)
    with pytest.raises(InputError):
        widget.wait()
    assert tapes() == before


def test_an_older_one_says_to_run_the_cell_again(held, bundle):
    older, newer = held(), held()
    widget_of(older)
    assert older.live
    widget_of(newer)
    assert newer.live
    assert not older.live
    for question in (
        lambda: older.session.conditioned({}),
        lambda: older.session.ranking("best", {}, 1),
        lambda: older.session.head_map(0, 0),
    ):
        with pytest.raises(InputError, match="run the cell again"):
            question()
    assert newer.session.ranking("best", {}, 1).by == "best"


def test_what_is_not_shown_keeps_its_own(held, bundle):
    alone, shown = held(), held()
    widget_of(shown)
    widget_of(held())
    assert alone.live
    alone.release()
    assert not alone.live


def test_a_comparison_takes_nothing_away(held, make_comparison, bundle):
    result = held()
    widget_of(result)
    ComparisonWidget(make_comparison())
    assert result.live


@pytest.mark.parametrize("end", ["close", "collect"])
def test_a_widget_that_is_gone_gives_its_recording_up(held, bundle, end):
    result = held()
    widget = ExplanationWidget(result)
    if end == "close":
        widget.close()
    else:
        sw.widgets.ExplanationWidget.close_all()
    assert not result.live


def test_the_page_of_an_older_one_has_what_is_known(held, bundle, tmp_path, monkeypatch):
    from semiring_widgets.export import page as pages

    monkeypatch.setattr(pages, "read_bundle", lambda: "export default {};")
    result = held()
    result.release()
    page = result.to_html(tmp_path / "page.html").read_text("utf-8")
    assert "only skip connections" in page
    assert result.rankings
    result.save(tmp_path / "r.zip")


def test_a_job_that_ends_after_its_widget_was_closed(held, bundle):
    result, gate = held(), threading.Event()

    def run(report, check):
        gate.wait(60)
        return result

    widget = ExplanationWidget(ExplanationJob(run))
    widget.close()
    gate.set()
    assert widget.wait() is result
    assert not result.live
