"""Cells that leave a mark when they run; the processes of the runner import them."""

import os
import signal
from pathlib import Path

from pandas import DataFrame


def counted(folder: str, name: str, value: float = 1.0) -> DataFrame:
    with (Path(folder) / name).open("a") as marks:
        marks.write("x")
    return DataFrame({"name": [name], "value": [value]})


def broken(message: str) -> DataFrame:
    raise RuntimeError(message)


def interrupted() -> DataFrame:
    raise KeyboardInterrupt


def killed() -> DataFrame:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still here")


def threads() -> DataFrame:
    return DataFrame({"threads": [os.environ["OMP_NUM_THREADS"]], "process": [os.getpid()]})
