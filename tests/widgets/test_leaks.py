"""Widgets that are made and closed leave no recording, session, thread or registered widget behind."""

import gc
import threading
import weakref
from collections import Counter

import pytest
from ipywidgets.widgets import widget as registry

import semiring_widgets as sw
from semiring_widgets.core import Tape
from semiring_widgets.widgets import ExplanationWidget


def tapes():
    gc.collect()
    return sum(type(thing) is Tape for thing in gc.get_objects())


def counts():
    """Objects of ours that live, by the name of their class."""
    gc.collect()
    return Counter(
        type(thing).__name__
        for thing in gc.get_objects()
        if str(type(thing).__module__).startswith("semiring_widgets.")
    )


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("semiring-widgets")]


@pytest.fixture(scope="module")
def tiny():
    """The embedded model, and a text of two tokens: as little work as an explanation can be."""
    model, tokenizer = sw.load_demo()
    return model, tokenizer, "[MASK] keys"


@pytest.mark.parametrize("runs", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_live_widgets_leave_nothing_behind(tiny, bundle, runs):
    gone, registered, recorded = [], len(registry._instances), tapes()
    for _ in range(runs):
        widget = sw.widgets.explain(*tiny, target="the", rankings="best", paths=1)
        result = widget.wait()
        widget._receive(widget, {"type": "head_map", "id": 1, "layer": 0, "head": 0}, [])
        gone += [weakref.ref(thing) for thing in (widget, result, result.session)]
        widget.close()
        assert len(registry._instances) == registered
    del widget, result
    for worker in workers():
        worker.join(60)
    assert workers() == []
    assert tapes() <= recorded
    assert [ref for ref in gone if ref() is not None] == []


@pytest.mark.parametrize("runs", [pytest.param(50, marks=pytest.mark.slow)])
def test_asking_a_model_again_leaves_nothing_behind(tiny, bundle, runs):
    recorded, registered = tapes(), len(registry._instances)
    widget = sw.widgets.explain(*tiny, target="the", rankings="best", paths=1)
    widget.wait()
    opened = len(registry._instances)

    kept = []
    for times in (12, runs):
        for run in range(times):
            widget.ask(target=("is", "are")[run % 2])
            widget.wait()
        assert len(registry._instances) == opened
        kept.append(tapes())
    # As many recordings as there are questions to come back to.
    assert kept[1] <= kept[0]
    widget.close()
    for worker in workers():
        worker.join(60)
    assert workers() == []
    assert len(registry._instances) == registered
    del widget
    assert tapes() <= recorded


@pytest.mark.parametrize("runs", [12, pytest.param(50, marks=pytest.mark.slow)])
def test_questions_are_kept_up_to_the_last_ten(bundle, make_explanation, runs):
    class Asker:
        arguments = ()

        def changed(self, **_):
            return self

        def run(self, before=None):
            return lambda report, check: make_explanation()

    widget = ExplanationWidget(make_explanation(), asker=Asker())

    def ask(times):
        for _ in range(times):
            widget.ask(target="is")
            widget.wait(60)
            widget._handle_custom_msg({"type": "pull", "id": 1, "version": 1}, [])
        for worker in workers():
            worker.join(60)
        assert workers() == []
        return counts()

    first = ask(12)
    assert first["Entry"] == 10
    assert ask(runs) == first
    widget.close()
