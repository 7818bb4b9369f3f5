"""Widgets in a process without a notebook: what they hold, what they send, when they stop."""

import json
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from semiring_widgets.contract import messages
from semiring_widgets.contract.answers import answer
from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.contract.table import VERSION
from semiring_widgets.errors import InputError, MissingBundleError
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.pictures.chart import chart_item
from semiring_widgets.results.parts import Status
from semiring_widgets.widgets import ComparisonWidget, ExplanationWidget, result_widget


class Front:
    """Stands for the JavaScript side: sends requests, keeps the answers."""

    def __init__(self, widget, monkeypatch):
        self.widget = widget
        self.answers = []
        self.arrived = threading.Condition()
        monkeypatch.setattr(widget, "send", self.take)

    def take(self, content, buffers=None):
        with self.arrived:
            self.answers.append((content, b"" if buffers is None else bytes(buffers[0])))
            self.arrived.notify_all()

    def ask(self, **request):
        self.widget._handle_custom_msg(request, [])

    def wait(self, request_id):
        def found():
            return [a for a in self.answers if a[0].get("id") == request_id]

        with self.arrived:
            assert self.arrived.wait_for(found, timeout=60)
            return found()[0]


@pytest.fixture
def front(bundle, make_explanation, monkeypatch):
    return Front(ExplanationWidget(make_explanation()), monkeypatch)


def test_the_summary_lives_in_the_traits(bundle, make_explanation):
    result = make_explanation()
    widget = ExplanationWidget(result)
    state = widget.get_state()
    header, buffer = messages.encode(result, 1)
    assert state["_esm"] == bundle
    assert state["summary"] == header
    assert bytes(state["summary_buffer"]) == buffer
    assert state["revision"] == 1
    assert state["selection"] == []
    assert widget.result is result
    assert widget.wait() is result


def test_pull_gives_the_current_summary(front):
    front.ask(type="pull", id=1)
    header, buffer = front.answers[0]
    assert header == front.widget.summary
    assert buffer == front.widget.summary_buffer


def test_a_page_of_another_version_gets_a_sentence_and_nothing_else(front):
    front.ask(type="pull", id=1, version=VERSION + 1)
    header, _ = front.wait(1)
    assert header["type"] == "error"
    assert "restart the kernel" in header["message"]
    front.ask(type="pull", id=2, version=VERSION)
    assert [header["type"] for header, _ in front.answers] == ["error", "explanation"]


def test_condition_asks_the_session_and_answers_with_columns(front):
    selection = [{"layer": 1, "branch": "value", "head": None, "token": 4, "stream": 0}]
    front.ask(type="condition", id=2, selection=selection)
    header, buffer = front.wait(2)
    assert header["type"] == "conditioned"
    assert header["selection"] == selection
    assert header["log_share"] == -0.5
    asked = [name for name in messages.CONDITIONED if not name.endswith("_statistic")]
    assert [column["name"] for column in header["columns"]] == asked
    assert messages.unpack(header["columns"], buffer)["node_mass_share"].shape == (3, 9)
    assert front.widget.result.session.asked == [selection]
    known = {"log_mass": 16.0, "best_log_weight": -2.5, "entropy": 12.5}
    assert header["totals"] == {**dict.fromkeys(messages.TOTALS), **known}


def test_routes_are_ranked_as_asked(front):
    selection = [{"layer": 1, "branch": None, "head": None, "token": None, "stream": 0}]
    front.ask(type="routes", id=3, by="contribution", selection=selection)
    header, _ = front.wait(3)
    assert (header["type"], header["by"], header["selection"]) == ("routes", "contribution", selection)
    sizes = [abs(route["contribution"]) for route in header["ranking"]["routes"]]
    assert sizes == sorted(sizes, reverse=True)
    assert front.widget.result.session.asked == [("contribution", selection)]


def test_head_map_comes_from_the_table(front):
    front.ask(type="head_map", id=3, layer=2, head=1)
    header, buffer = front.wait(3)
    scaled = messages.unpack(header["columns"], buffer)["map"]
    shares = front.widget.result.dataset["map_mass_share"].values[2, 1]
    peak = np.asarray(header["peak"])[:, None, None]
    np.testing.assert_allclose((scaled / 255.0) ** 2 * peak, shares, atol=2 * peak.max() / 255)
    assert front.widget.result.session.asked == []


def test_head_map_comes_from_the_session_where_the_table_has_none(make_explanation):
    result = make_explanation(maps=False)
    header, _ = answer(result, {"type": "head_map", "id": 1, "layer": 0, "head": 1})
    assert result.session.asked == [(0, 1)]
    assert header["selection"] == []
    part = {"layer": None, "branch": None, "head": None, "token": 2, "stream": 0}
    header, _ = answer(
        make_explanation(), {"type": "head_map", "id": 1, "layer": 0, "head": 1, "selection": [part]}
    )
    assert header["selection"] == [part]
    assert header["columns"][0]["shape"] == [3, 9, 9]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"type": "head_map", "layer": 3, "head": 0}, "There is no layer 3; this explanation has 3"),
        ({"type": "head_map", "layer": 0, "head": 2}, "There is no head of layer 0 2"),
        (
            {"type": "head_map", "layer": "0", "head": 2},
            "The layer of the request 'head_map' is '0'",
        ),
        ({"type": "condition", "selection": None}, "A selection is a list of parts"),
        ({"type": "condition", "selection": ["layer"]}, "A selection is a list of parts"),
        (
            {"type": "condition", "selection": {"token": 9}},
            "token is 9; input 0 has 9 tokens, counted",
        ),
        ({"type": "condition", "selection": [{"layer": 0}, {"head": 1}]}, "no layer that it is of"),
        ({"type": "routes", "by": "best", "selection": [{"layer": 0, "branch": "side"}]}, "branch is 'side'"),
        ({"type": "routes", "by": "luck", "selection": {"token": 1}}, "There is no ranking by 'luck'"),
        ({"type": "routes", "by": "best"}, "A selection is a list of parts"),
        ({"type": "dance"}, "unknown type 'dance'"),
    ],
)
def test_a_bad_request_is_answered_by_a_sentence(front, request_, sentence):
    front.ask(id=9, **request_)
    header, _ = front.wait(9)
    assert header["type"] == "error"
    assert sentence in header["message"]


def test_a_loaded_result_says_that_conditioning_needs_the_model(make_explanation):
    result = make_explanation(session=False, maps=False)
    with pytest.raises(InputError, match="needs the model"):
        answer(result, {"type": "condition", "id": 1, "selection": {"token": 1}})
    with pytest.raises(InputError, match="needs the model"):
        answer(result, {"type": "head_map", "id": 1, "layer": 0, "head": 0})
    running = replace(result, status=Status("running", 1, 3, ""))
    with pytest.raises(InputError, match="once the computation has ended"):
        answer(running, {"type": "condition", "id": 1, "selection": {"token": 1}})


def test_chart_and_bokehjs(front):
    front.ask(type="chart", id=4)
    front.ask(type="bokehjs", id=5)
    header, _ = front.wait(4)
    assert header["item"]["doc"]["version"] == front.wait(5)[0]["version"]
    assert b"Bokeh" in front.wait(5)[1]


def test_the_chart_is_that_of_the_selection(make_explanation):
    result = make_explanation()
    part = {"layer": 1, "branch": None, "head": 0, "token": None, "stream": 0}
    table, _ = result.session.conditioned([part])
    whole, own = (without_names(chart_item(one)) for one in (result, replace(result, dataset=table)))
    assert whole != own
    for selection, expected in (([], whole), ([part], own)):
        header, _ = answer(result, {"type": "chart", "id": 1, "selection": selection})
        assert header["selection"] == selection
        assert without_names(header["item"]) == expected


def without_names(item):
    """A chart's document without the names that Bokeh counts up for its objects."""
    return re.sub(r'"(p\d+|[0-9a-f-]{36})"', "", json.dumps(item))


def test_a_selection_is_parts_whatever_is_set(front):
    part = {"layer": 1, "branch": None, "head": 0, "token": None, "stream": 0}
    start = {"layer": None, "branch": None, "head": None, "token": 2, "stream": 0}
    for given, parts in (
        ({"layer": 1, "head": 0}, [part]),
        ([part, {"token": np.int64(2)}], [part, start]),
        ({"layer": None, "branch": None, "head": None, "token": None, "stream": 0}, []),
        ([], []),
    ):
        front.widget.selection = given
        assert front.widget.selection == parts
        json.dumps(front.widget.get_state("selection"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([3], "A selection is a list of parts"),
        ("keys", "selection cannot be 'keys'"),
        ([{"tokn": 3}], "A part of a selection has some of layer, .*; got 'tokn'"),
        (
            [{"token": 1}, {"layer": "two"}],
            "layer of a selection is 'two'; give a whole number from 0, or None",
        ),
        ({"layer": True}, "layer of a selection is True"),
        ({"head": 1.5}, "head of a selection is 1.5"),
        ({"layer": 1, "branch": 2}, "branch of a selection is 2; give the name of a branch"),
    ],
)
def test_what_is_no_selection_is_refused_when_it_is_set(front, given, sentence):
    front.widget.selection = {"token": 1}
    kept = front.widget.selection
    with pytest.raises(InputError, match=sentence):
        front.widget.selection = given
    assert front.widget.selection == kept


def test_a_comparison_answers_pull_only(bundle, make_comparison, monkeypatch):
    front = Front(ComparisonWidget(make_comparison()), monkeypatch)
    front.ask(type="pull", id=1)
    assert front.answers[0][0]["type"] == "comparison"
    front.ask(type="chart", id=2)
    assert "answers pull and cancel only" in front.wait(2)[0]["message"]


def snapshots(make, count, pause=0.0, started=None):
    def run(report, check):
        for step in range(count):
            check()
            report(make(status=Status("running", step, count, f"layer {step} of {count}")))
            if started is not None:
                started.set()
            time.sleep(pause)
        return make()

    return run


def test_a_job_streams_into_the_widget(bundle, make_explanation):
    revisions = []
    gate, told = threading.Event(), threading.Event()

    def run(report, check):
        gate.wait(60)
        report(make_explanation(status=Status("running", 1, 2, "layer 1 of 2")))
        told.wait(60)
        return make_explanation()

    widget = ExplanationWidget(ExplanationJob(run), text="The keys", model="Bert")
    assert widget.summary["text"] == "The keys"
    assert widget.summary["streams"][0]["tokens"] == []
    assert widget.result is None

    def take(change):
        revisions.append((change["new"], widget.summary["revision"]))
        told.set()

    widget.observe(take, "revision")
    gate.set()
    result = widget.wait(60)
    assert widget.result is result
    assert widget.summary["status"]["state"] == "done"
    assert widget.summary["revision"] == widget.revision
    assert revisions == [(2, 2), (3, 3)]


def test_cancel_from_the_front_end(bundle, make_explanation, monkeypatch):
    started = threading.Event()
    widget = ExplanationWidget(ExplanationJob(snapshots(make_explanation, 10_000, 0.01, started)))
    front = Front(widget, monkeypatch)
    assert started.wait(60)
    front.ask(type="cancel", id=6)
    assert widget.wait(60).status.state == "cancelled"
    assert widget.summary["status"]["state"] == "cancelled"


class Later:
    """A timer that runs out when the test says so."""

    made = ()

    def __init__(self, seconds, act):
        self.run_out = act

    def start(self):
        Later.made = (*Later.made, self)


@pytest.mark.parametrize("again", [True, False], ids=["shown again", "cleared"])
def test_a_job_ends_when_its_last_view_is_gone(bundle, make_explanation, monkeypatch, again):
    monkeypatch.setattr(result_widget, "_GRACE", 0.05)
    if again:
        monkeypatch.setattr(Later, "made", ())
        monkeypatch.setattr(threading, "Timer", Later)
    started = threading.Event()
    job = ExplanationJob(snapshots(make_explanation, 10_000, 0.01, started))
    front = Front(ExplanationWidget(job), monkeypatch)
    assert started.wait(60)
    for message in (("shown", 1), ("shown", 2), ("gone", 1), ("gone", 1), ("gone", 3)):
        front.ask(type=message[0], view=message[1])
    time.sleep(0.2)
    assert job.status.state == "running"
    front.ask(type="gone", view=2)
    if again:
        front.ask(type="shown", view=4)
        Later.made[0].run_out()
        time.sleep(0.2)
        assert job.status.state == "running"
        front.ask(type="gone", view=4)
        Later.made[1].run_out()
    assert job.result(60).status.state == "cancelled"


def test_closing_the_widget_stops_the_job(bundle, make_explanation):
    started = threading.Event()
    job = ExplanationJob(snapshots(make_explanation, 10_000, 0.01, started))
    widget = ExplanationWidget(job)
    assert started.wait(60)
    widget.close()
    assert job.result(60).status.state == "cancelled"


def test_an_error_is_shown_and_raised(bundle):
    def run(report, check):
        raise InputError("The text has no mask token; give position.")

    widget = ExplanationWidget(ExplanationJob(run), text="no mask")
    with pytest.raises(InputError, match="no mask token"):
        widget.wait(60)
    assert widget.summary["status"] == {
        "state": "failed",
        "done": 0,
        "total": 0,
        "message": "The text has no mask token; give position.",
    }
    assert widget.summary["text"] == "no mask"


def test_a_missing_bundle_is_a_sentence_at_first_use(tmp_path, monkeypatch, make_explanation):
    def missing():
        return read_bundle(tmp_path / "widget.js")

    monkeypatch.setattr("semiring_widgets.widgets.result_widget.read_bundle", missing)
    with pytest.raises(MissingBundleError, match="npm ci && npm run build"):
        ExplanationWidget(make_explanation())


def test_faces_import_no_torch():
    code = (
        "import sys; import semiring_widgets.widgets.live, semiring_widgets.widgets.display;"
        "import semiring_widgets.export.page, semiring_widgets.pictures.card;"
        "import semiring_widgets.pictures.chart;"
        "import semiring_widgets.notebook, semiring_widgets.cli;"
        "print(sorted({'torch', 'transformers', 'captum', 'bokeh'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
