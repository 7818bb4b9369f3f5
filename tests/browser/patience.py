"""How long the browser tests wait for a condition: one bound for everything, however busy the machine is."""

import time

SECONDS = 240


def patiently(check):
    """Runs assertions again until they hold, and gives what the check gives; else the last failure."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def eventually(check, what):
    """Waits until ``check`` gives something true, and gives that."""

    def found():
        something = check()
        assert something, f"{what}: not within {SECONDS} seconds"
        return something

    return patiently(found)
