"""Cells of studies run once, can be interrupted, and do not stop each other."""

import os
import re
from functools import partial

import pytest

from examples.studies.running import file_of, read_cell, run_studies
from examples.studies.study import Cell, Report, Study
from tests.studies import cells


def study_of(*runs, name="some"):
    every = [Cell(f"cell-{i}", run, 1.0) for i, run in enumerate(runs)]
    return Study(
        name, "Some", "Is it so?", lambda short: every[:1] if short else every, lambda rows: Report()
    )


@pytest.fixture
def marks(tmp_path):
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


def count(marks, name, **more):
    return partial(cells.counted, str(marks), name, **more)


def ran(marks):
    return {path.name: path.stat().st_size for path in marks.iterdir()}


def test_rows_of_all_cells_come_back_with_their_cell(tmp_path, marks):
    lines = []
    study = study_of(count(marks, "a", value=0.1), count(marks, "b"))
    outcome = run_studies([study], tmp_path, tell=lines.append)["some"]
    assert outcome.rows.sort_values("cell").to_numpy().tolist() == [
        ["a", 0.1, "cell-0"],
        ["b", 1.0, "cell-1"],
    ]
    assert (outcome.cells, outcome.failed) == (2, {})
    assert re.fullmatch(r"\[2/2\] some cell-.: done; \d+ s so far, about 0 s left", lines[-1])


def test_a_cell_is_not_run_twice_after_an_interruption(tmp_path, marks):
    a, b = count(marks, "a"), count(marks, "b")
    with pytest.raises(KeyboardInterrupt):
        run_studies([study_of(a, cells.interrupted, b)], tmp_path, jobs=1)
    assert ran(marks) == {"a": 1}
    outcome = run_studies([study_of(a, count(marks, "c"), b)], tmp_path, jobs=1)["some"]
    assert ran(marks) == {"a": 1, "b": 1, "c": 1}
    assert sorted(outcome.rows.name) == ["a", "b", "c"]


def test_a_changed_argument_runs_again_and_others_do_not(tmp_path, marks):
    for value in (1.0, 2.0):
        study = study_of(count(marks, "a", value=value), count(marks, "b"))
        outcome = run_studies([study], tmp_path)["some"]
    assert ran(marks) == {"a": 2, "b": 1}
    assert sorted(outcome.rows.value) == [1.0, 2.0]


def test_a_failing_cell_does_not_stop_the_others(tmp_path, marks):
    study = study_of(partial(cells.broken, "no such word"), count(marks, "a"))
    outcome = run_studies([study], tmp_path, jobs=1)["some"]
    assert outcome.failed == {"cell-0": "RuntimeError: no such word"}
    assert outcome.rows.name.tolist() == ["a"]
    # It has left nothing behind, so it is tried again.
    assert [path.name.split(".")[0] for path in (tmp_path / "cells" / "some").iterdir()] == ["cell-1"]


def test_a_process_that_dies_does_not_stop_the_others(tmp_path, marks):
    study = study_of(cells.killed, count(marks, "a"), count(marks, "b"))
    outcome = run_studies([study], tmp_path, jobs=1)["some"]
    assert list(outcome.failed) == ["cell-0"]
    assert "--jobs" in outcome.failed["cell-0"]
    assert sorted(outcome.rows.name) == ["a", "b"]


def test_nothing_half_written_is_taken_for_a_result(tmp_path, marks, monkeypatch):
    from examples.studies import running

    cell = Cell("cell-0", count(marks, "a"), 1.0)
    file = file_of("some", cell, tmp_path)
    file.parent.mkdir(parents=True)

    def full(*arguments):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(Exception, match="the disk is full"):
            running._work(cell.run, file)
    assert list(file.parent.iterdir()) == []
    running._work(cell.run, file)
    rows, facts = read_cell(file)
    assert rows.to_dict("records") == [{"name": "a", "value": 1.0}]
    assert facts["seconds"] >= 0


def test_cells_run_in_other_processes_with_one_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    rows = run_studies([study_of(cells.threads)], tmp_path)["some"].rows
    assert rows.threads.tolist() == [1]
    assert rows.process.tolist() != [os.getpid()]
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_the_short_form_takes_its_own_cells(tmp_path, marks):
    study = study_of(count(marks, "a"), count(marks, "b"))
    assert run_studies([study], tmp_path, short=True)["some"].cells == 1
    assert ran(marks) == {"a": 1}


@pytest.mark.parametrize("keys", [["a", "a"], ["a/b"], [""]])
def test_keys_are_names_of_files_of_their_own(tmp_path, keys):
    every = [Cell(key, cells.interrupted, 1.0) for key in keys]
    study = Study("some", "Some", "?", lambda short: every, lambda rows: Report())
    with pytest.raises(ValueError, match="name of its own"):
        run_studies([study], tmp_path)
