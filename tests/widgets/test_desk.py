"""What answers the requests of views: in turn, each once, and nothing that nobody waits for any more."""

import threading
import time

from semiring_widgets.widgets.desk import Desk


def test_of_conditions_that_wait_only_the_latest_is_answered():
    gate, answered, sent = threading.Event(), [], threading.Event()

    def slow(request, check):
        gate.wait(60)
        answered.append(request["id"])
        return {"type": request["type"]}, b""

    def send(message):
        if message[0]["id"] == 6:
            sent.set()

    desk = Desk(slow, send)
    desk.put({"type": "bokehjs", "id": 1})
    for number in (2, 3, 4):
        desk.put({"type": "condition", "id": number, "selection": [{"token": number}]})
    # A question that has no groups is about the same selection.
    desk.put({"type": "head_map", "id": 5, "selection": [{"token": 6}]})
    desk.put({"type": "condition", "id": 6, "selection": [{"token": 6}], "avoiding": [], "among": []})
    gate.set()
    assert sent.wait(60)
    assert answered == [1, 5, 6]


def test_what_is_overtaken_stops_and_the_same_question_is_answered_once():
    taken, sent, stopped, done = [], [], threading.Event(), threading.Event()
    started, all_put = threading.Event(), threading.Event()

    def answer(request, check):
        taken.append(request["id"])
        if request["id"] == 1:
            started.set()
            for _ in range(10_000):
                try:
                    check()
                except Exception:
                    stopped.set()
                    raise
                time.sleep(0.01)
        all_put.wait(60)
        return {"type": request["type"]}, b""

    def send(message):
        sent.append(message[0]["id"])
        if len(sent) == 3:
            done.set()

    desk = Desk(answer, send)
    desk.put({"type": "routes", "id": 1, "by": "best", "selection": [{"token": 1}]})
    assert started.wait(60)
    # Of the same selection: the routes go on.
    desk.put({"type": "condition", "id": 2, "selection": [{"token": 1}]})
    assert not stopped.wait(0.1)
    desk.put({"type": "condition", "id": 3, "selection": [{"token": 2}]})
    desk.put({"type": "condition", "id": 4, "selection": [{"token": 2}]})  # a second view
    desk.put({"type": "routes", "id": 5, "by": "best", "selection": [{"token": 2}]})
    all_put.set()
    assert stopped.wait(60)
    assert done.wait(60)
    assert (taken, sent) == ([1, 3, 5], [3, 4, 5])
