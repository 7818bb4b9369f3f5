"""Cancel at any moment keeps what is known, and what is kept says that it is not all."""

import re
import threading
import time

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets.errors import CancelledError
from semiring_widgets.explanation import explain_run
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.widgets import ExplanationWidget

TEXT = "The keys to the cabinet [MASK] on the table."

# The message of the step in which Cancel is pressed, and what is known then: the layers whose flow is,
# whether there is an answer, and the rankings of routes.
MOMENTS = {
    "testing tokens, heads and feed-forward parts": (0, False, 0),
    "mass and entropy": (0, True, 0),
    "best paths": (0, True, 0),
    "layer 2 of 4": (2, True, 0),
    "routes by best path": (4, True, 1),
}


@pytest.fixture(scope="module")
def demo():
    return sw.load_demo()


def cancelled_in(run, moment):
    """The same computation, cancelled as soon as it says that it is at a moment."""
    made = threading.Event()

    def stopped(report, check):
        made.wait(60)

        def reported(snapshot):
            report(snapshot)
            if snapshot.status.message == moment:
                job.cancel()

        return run(reported, check)

    job = ExplanationJob(stopped)
    made.set()
    return job


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_is_known_is_kept_and_said_to_be_partial(demo, bundle, moment):
    layers, answered, rankings = MOMENTS[moment]
    job = cancelled_in(explain_run(*demo, TEXT, "are", "is", paths=2), moment)
    widget = ExplanationWidget(job, text=TEXT)
    found = widget.wait(120)
    assert found.status.state == "cancelled"
    # Where it was, and how far.
    assert re.fullmatch(rf"cancelled (after \d+ of \d+ steps, )?during: {moment}", found.status.message)
    known = (~np.isnan(found.dataset.node_mass_share.values).all(-1)).sum() if found.layers else 0
    assert (known, bool(found.sentences), len(found.rankings)) == (layers, answered, rankings)
    summary = widget.summary
    assert summary["status"]["state"] == "cancelled"
    assert summary["status"]["message"] == found.status.message
    assert found.status.message in widget._repr_mimebundle_()[0]["text/plain"]
    widget.close()


def test_cancelled_before_anything_is_known_it_says_so(bundle):
    def run(report, check):
        while True:
            check()
            time.sleep(0.01)

    widget = ExplanationWidget(ExplanationJob(run), text=TEXT)
    widget.cancel()
    with pytest.raises(CancelledError, match="before it had any result"):
        widget.wait(60)
    assert widget.summary["status"] == {
        "state": "cancelled",
        "done": 0,
        "total": 0,
        "message": "cancelled during: starting",
    }
