"""A pause of Python's cyclic garbage collector, while thousands of objects are made that no cycle holds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the cyclic garbage collector.

    A recording allocates thousands of objects, which would trigger about twenty passes over the young ones
    and now and then one over all; none would free anything. Memory is still freed as soon as nothing refers
    to it. Where the collector is off already, it stays off: https://docs.python.org/3/library/gc.html
    """
    was_on = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_on:
            gc.enable()
