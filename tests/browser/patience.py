"""How long the browser tests wait for a condition: one bound for everything, however busy the machine is."""

import time

# Below the time that pytest gives a test (pyproject.toml), so that what was waited for is named.
SECONDS = 240


def eventually(check, what):
    """Waits until ``check`` gives something true, and gives that."""
    deadline = time.monotonic() + SECONDS
    while not (found := check()):
        assert time.monotonic() < deadline, f"{what}: not within {SECONDS} seconds"
        time.sleep(0.1)
    return found
