"""Widgets that are made and closed leave no recording, session, thread or registered widget behind."""

import gc
import threading
import weakref

import pytest
from ipywidgets.widgets import widget as registry

import semiring_widgets as sw
from semiring_widgets.core import Tape


def tapes():
    gc.collect()
    return sum(type(thing) is Tape for thing in gc.get_objects())


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
