"""Runs the cells of studies, side by side and so that they can be resumed.

A finished cell is one file, `<out>/cells/<study>/<key>.<settings>.csv`: its first line says in JSON what it
took, the rest are its rows. It is written at once and as a whole by the process that ran the cell, so that an
interruption loses only what was under way.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from examples.studies.digest import settings_of
from examples.studies.places import set_out
from examples.studies.study import Cell, Study
from semiring_widgets.results.atomic import write_whole

# One thread a cell: as many cells as cores run at once, and times mean the same everywhere.
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Outcome:
    """What became of a study.

    Attributes:
        rows: those of all finished cells.
        cells: how many there are.
        failed: the key and the message of each that has no rows.
        seconds: of the processor, all finished cells together.
    """

    rows: pd.DataFrame
    cells: int
    failed: dict[str, str]
    seconds: float


@dataclass(frozen=True)
class _Job:
    study: str
    cell: Cell
    file: Path


def run_studies(
    studies: Sequence[Study],
    out: Path,
    *,
    short: bool = False,
    jobs: int = 2,
    tell: Callable[[str], None] = print,
) -> dict[str, Outcome]:
    """Run what has not been run yet.

    Args:
        studies: all that are asked for.
        out: the folder of the cells and models.
        short: take the cells of the short form.
        jobs: processes at once.
        tell: is given a line after each cell.

    Returns:
        By the name of the study.

    Raises:
        ValueError: a key cannot be a file's name, or stands twice in a study.
        KeyboardInterrupt: somebody stopped it; finished cells are kept.
    """
    every = [
        _Job(study.name, cell, file_of(study.name, cell, out))
        for study in studies
        for cell in _checked(study.name, study.cells(short))
    ]
    for folder in {job.file.parent for job in every}:
        folder.mkdir(parents=True, exist_ok=True)
    todo = [job for job in every if not job.file.exists()]
    if len(todo) < len(every):
        tell(f"{len(every) - len(todo)} of {len(every)} cells are there already.")
    failed: dict[Path, str] = {}
    progress = _Progress(sum(job.cell.seconds for job in todo), len(todo), jobs)
    set_out(out)
    for job, problem in _finished(todo, jobs):
        if problem is not None:
            failed[job.file] = problem
        tell(progress.line(job, problem))
    return {
        study.name: _outcome([job for job in every if job.study == study.name], failed) for study in studies
    }


def file_of(study: str, cell: Cell, out: Path) -> Path:
    """Where the rows of a cell are kept; another name for every setting."""
    return out / "cells" / study / f"{cell.key}.{settings_of(cell.run)}.csv"


def read_cell(file: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows of a finished cell, and what it took."""
    with file.open(encoding="utf-8") as lines:
        facts = json.loads(next(lines).removeprefix("#"))
        return pd.read_csv(lines), facts


def _checked(study: str, cells: list[Cell]) -> list[Cell]:
    keys = [cell.key for cell in cells]
    if wrong := [key for key in keys if not re.fullmatch(r"[\w.-]+", key) or keys.count(key) > 1]:
        raise ValueError(
            f"Cells of {study} are called {wrong}; give each a name of its own, such as 'bert-0'."
        )
    return cells


def _work(run: Callable[[], pd.DataFrame], file: Path) -> None:
    """Run one cell, in a process of its own, and keep its rows."""
    began = time.process_time()
    rows = run()
    facts = json.dumps({"seconds": round(time.process_time() - began, 2)})
    write_whole(file, f"#{facts}\n{rows.to_csv(index=False, float_format='%.6g')}".encode())


def _finished(todo: Sequence[_Job], jobs: int) -> Iterator[tuple[_Job, str | None]]:
    """Each cell when it is done, with what went wrong."""
    waiting = list(todo)
    while waiting:
        # A process that dies (no memory left) ends its pool, so there may be several in turn.
        yield from _one_pool(waiting, jobs)


def _one_pool(waiting: list[_Job], jobs: int) -> Iterator[tuple[_Job, str | None]]:
    """Takes from the list until it is empty or the pool is broken.

    No more than `jobs` cells are ever given to the pool: those are all that can be lost with it.
    """
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(_THREADS)
    running: dict[Future[None], _Job] = {}
    try:
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
            while waiting or running:
                while waiting and len(running) < jobs:
                    job = waiting.pop(0)
                    running[pool.submit(_work, job.cell.run, job.file)] = job
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    job = running.pop(future)
                    try:
                        future.result()
                    except BrokenProcessPool:
                        for lost in (job, *running.values()):
                            yield lost, "its process ended (no memory left?); run it again, with fewer --jobs"
                        return
                    except Exception as problem:  # noqa: BLE001 (whatever a cell raises, the others go on)
                        yield job, f"{type(problem).__name__}: {problem}"
                    else:
                        yield job, None
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


class _Progress:
    """How far it is, and how long it will take."""

    def __init__(self, seconds: float, cells: int, jobs: int) -> None:
        self.expected = seconds
        self.cells = cells
        self.jobs = jobs
        self.done = 0
        self.done_seconds = 0.0
        self.began = time.perf_counter()

    def line(self, job: _Job, problem: str | None) -> str:
        """A line about a cell that has just finished."""
        self.done += 1
        self.done_seconds += job.cell.seconds
        passed = time.perf_counter() - self.began
        left = (self.expected - self.done_seconds) * passed / max(self.done_seconds, 1e-9)
        what = f"[{self.done}/{self.cells}] {job.study} {job.cell.key}"
        told = f"failed ({problem})" if problem else "done"
        return f"{what}: {told}; {_duration(passed)} so far, about {_duration(left)} left"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _outcome(jobs: Sequence[_Job], failed: dict[Path, str]) -> Outcome:
    read = {job.cell.key: read_cell(job.file) for job in jobs if job.file not in failed}
    rows = [frame.assign(cell=key) for key, (frame, _) in read.items()]
    return Outcome(
        pd.concat(rows, ignore_index=True) if rows else pd.DataFrame({"cell": []}),
        len(jobs),
        {job.cell.key: failed[job.file] for job in jobs if job.file in failed},
        sum(facts["seconds"] for _, facts in read.values()),
    )
