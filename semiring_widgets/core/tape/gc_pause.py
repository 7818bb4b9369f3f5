"""A pause of Python's garbage collector, while thousands of objects are made that no cycle holds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Without this, every recording is searched for cycles twenty times, and whole programs now and then.

    Memory is still freed as soon as nothing refers to it. Where the collector is off already, it stays off.
    """
    was_on = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_on:
            gc.enable()
