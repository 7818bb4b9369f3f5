"""What a widget makes of the views that its front ends tell it of, and of what they say twice."""

import threading

import pytest

from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.results.parts import Status
from semiring_widgets.widgets import ExplanationWidget, result_widget


def endless(make_explanation, started):
    def run(report, check):
        report(make_explanation(status=Status("running", 1, 9, "layer 1")))
        started.set()
        while True:
            check()
            threading.Event().wait(0.01)

    return run


@pytest.fixture
def running(bundle, make_explanation, monkeypatch):
    """A widget whose computation runs until it is cancelled, and its job."""
    monkeypatch.setattr(result_widget, "_GRACE", 0.05)
    started = threading.Event()
    job = ExplanationJob(endless(make_explanation, started))
    widget = ExplanationWidget(job)
    assert started.wait(60)
    yield widget, job
    widget.close()


def told(widget, *notices):
    for kind, view in notices:
        widget._handle_custom_msg({"type": kind, "view": view, "version": 1}, [])


def test_a_page_that_is_loaded_again_leaves_the_computation_alone(running):
    widget, job = running
    told(widget, ("shown", "before"), ("left", "before"))
    with pytest.raises(TimeoutError):
        job.result(0.3)
    # The view of the old page does not keep it alive for ever.
    told(widget, ("shown", "after"), ("gone", "after"))
    assert job.result(60).status.state == "cancelled"


def test_a_view_that_says_again_that_it_is_shown_is_one(running):
    widget, job = running
    told(widget, ("shown", "a"), ("shown", "a"), ("gone", "a"))
    assert job.result(60).status.state == "cancelled"


def test_questions_of_a_view_that_is_gone_stop_too(running, monkeypatch):
    widget, _ = running
    asked, stopped = threading.Event(), threading.Event()

    def answer(request, check):
        asked.set()
        try:
            while True:
                check()
                threading.Event().wait(0.01)
        finally:
            stopped.set()

    monkeypatch.setattr(widget._desk, "_answer", answer)
    told(widget, ("shown", "a"))
    widget._handle_custom_msg({"type": "condition", "id": 1, "selection": [{"token": 1}], "version": 1}, [])
    assert asked.wait(60)
    told(widget, ("gone", "a"))
    assert stopped.wait(60)


def test_a_question_that_is_sent_again_is_asked_once(running, monkeypatch):
    widget, _ = running
    asked, said = [], []
    monkeypatch.setattr(widget, "ask", lambda **changes: asked.append(changes))
    monkeypatch.setattr(widget, "_reply", said.append)
    request = {
        "type": "ask",
        "id": 7,
        "version": 1,
        "changes": [{"name": "target", "words": ["were"]}],
    }
    for _ in range(2):
        widget._handle_custom_msg(dict(request), [])
    assert asked == [{"target": "were"}]
    # Its view has not heard of it, and is told.
    assert [header["type"] for header, _ in said] == ["explanation"]
    widget._handle_custom_msg({**request, "id": 8}, [])
    assert len(asked) == 2


def test_a_request_that_is_sent_again_while_it_waits_is_answered_once(running, monkeypatch):
    widget, _ = running
    gate, answered, sent = threading.Event(), [], threading.Event()

    def send(message):
        answered.append(message[0]["id"])
        if message[0]["id"] == 2:
            sent.set()

    monkeypatch.setattr(widget._desk, "_answer", lambda request, check: gate.wait(60) and ({}, b""))
    monkeypatch.setattr(widget._desk, "_send", send)
    for number in (1, 1, 2):
        request = {"type": "test", "id": number, "selection": [{"token": 1}], "version": 1}
        widget._handle_custom_msg(request, [])
    gate.set()
    assert sent.wait(60)
    assert answered == [1, 2]
