"""The worker: progress is throttled but never loses the end, cancel acts, errors become sentences."""

import asyncio
import contextvars
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest

from semiring_widgets.errors import CancelledError, InputError
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.results.parts import Status


@dataclass(frozen=True)
class Answer:
    value: int
    status: Status = field(default_factory=Status)


def counting(steps, pause=0.0):
    def run(report, check):
        for step in range(steps):
            check()
            report(Answer(step, Status("running", step, steps, f"step {step} of {steps}")))
            time.sleep(pause)
        return Answer(steps, Status("done", steps, steps, ""))

    return run


def test_the_result_is_what_run_returned():
    job = ExplanationJob(counting(3))
    assert job.result(timeout=60).value == 3
    assert job.done
    assert job.latest.value == 3
    assert job.status.state == "done"


def test_a_thousand_snapshots_become_few_and_the_last_is_the_result():
    seen = []
    start = time.monotonic()
    job = ExplanationJob(counting(1000, 0.0005), lambda latest, status: seen.append(latest.value))
    job.result(timeout=60)
    seconds = time.monotonic() - start
    assert seen[-1] == 1000
    assert seen == sorted(set(seen))
    assert len(seen) <= seconds / 0.1 + 3


def test_a_slow_listener_does_not_slow_the_worker():
    finished = threading.Event()

    def run(report, check):
        result = counting(50)(report, check)
        finished.set()
        return result

    gate = threading.Event()
    job = ExplanationJob(run, lambda latest, status: gate.wait(120))
    assert finished.wait(60)
    assert not job.done
    gate.set()
    assert job.result(timeout=60).value == 50


def test_cancel_keeps_the_partial_result_and_says_so():
    seen = []
    started = threading.Event()

    def listen(latest, status):
        seen.append(status)
        started.set()

    job = ExplanationJob(counting(10_000, 0.002), listen)
    assert started.wait(60)
    job.cancel()
    result = job.result(timeout=60)
    assert result.status.state == "cancelled"
    step = f"{result.value} of 10000"
    assert result.status.message == f"cancelled after {step} steps, during: step {step}"
    assert seen[-1].state == "cancelled"


def test_cancel_before_anything_is_known_raises():
    gate = threading.Event()

    def run(report, check):
        gate.wait(60)
        check()
        raise AssertionError("check did not stop the run")

    statuses = []
    job = ExplanationJob(run, lambda latest, status: statuses.append((latest, status.state)))
    job.cancel()
    gate.set()
    with pytest.raises(CancelledError, match="before it had any result"):
        job.result(timeout=60)
    assert statuses == [(None, "cancelled")]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("No mask token in 'x'; give position."), "No mask token in 'x'; give position."),
        (
            KeyError("layer"),
            "The computation failed with KeyError: 'layer'",
        ),
        (MemoryError(), "The computation failed with MemoryError: it gave no reason"),
    ],
)
def test_an_error_is_a_failed_status_and_is_raised_by_result(error, message):
    def run(report, check):
        report(Answer(1, Status("running", 1, 9, "")))
        raise error

    job = ExplanationJob(run)
    with pytest.raises(type(error)) as caught:
        job.result(timeout=60)
    assert caught.value is error
    assert job.latest.value == 1
    assert job.latest.status == Status("failed", 1, 9, message)


def test_a_late_listener_hears_the_end():
    job = ExplanationJob(counting(2))
    job.result(timeout=60)
    seen = []
    job.subscribe(lambda latest, status: seen.append((latest.value, status.state)))
    assert seen == [(2, "done")]


def test_a_broken_listener_does_not_break_the_job(caplog):
    def broken(latest, status):
        raise RuntimeError("comm closed")

    assert ExplanationJob(counting(2), broken).result(timeout=60).value == 2
    assert "could not be delivered" in caplog.text


def test_time_out_leaves_the_job_running():
    gate = threading.Event()

    def run(report, check):
        gate.wait(60)
        return Answer(1)

    job = ExplanationJob(run)
    with pytest.raises(TimeoutError, match="it goes on"):
        job.result(timeout=0.01)
    gate.set()
    assert job.result(timeout=60).value == 1


def test_it_can_be_awaited_while_the_loop_turns():
    gate = threading.Event()

    def run(report, check):
        gate.wait(60)
        return Answer(7)

    async def main():
        job = ExplanationJob(run)
        waiting = asyncio.ensure_future(job.aresult())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        gate.set()
        return await waiting

    assert asyncio.run(main()).value == 7


def test_both_threads_see_the_context_of_the_caller():
    place = contextvars.ContextVar("place", default="nowhere")
    place.set("subshell")
    seen = {}

    def run(report, check):
        seen["worker"] = place.get()
        return Answer(1)

    def listen(latest, status):
        seen["publisher"] = place.get()

    ExplanationJob(run, listen).result(timeout=60)
    assert seen == {"worker": "subshell", "publisher": "subshell"}


def test_importing_results_and_jobs_needs_no_heavy_package():
    code = (
        "import sys; import semiring_widgets.jobs, semiring_widgets.results.comparison;"
        "from semiring_widgets.results import Comparison, Token, load;"
        "print(sorted({'torch', 'transformers', 'captum', 'bokeh', 'anywidget'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
