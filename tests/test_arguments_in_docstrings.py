"""The docstring of whatever people call explains each of its arguments, and says what it raises itself."""

import inspect
import re

import pytest

from tests.test_examples_in_docstrings import CALLED_BY_OTHERS, LATER, PUBLIC

FUNCTIONS = {
    name: thing
    for name, thing in PUBLIC.items()
    if inspect.isfunction(thing) and name not in CALLED_BY_OTHERS and not thing.__module__.startswith(LATER)
}


def arguments_of(function):
    """The names that the function itself takes: what it passes on is explained where that goes."""
    code = inspect.unwrap(function).__code__
    several = [flag for flag in (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS) if code.co_flags & flag]
    count = code.co_argcount + code.co_kwonlyargcount + len(several)
    return [name for name in code.co_varnames[:count] if name not in {"self", "cls"}]


def section(function, title):
    found = re.search(rf"^{title}:\n((?: .*\n|\n)+)", f"{inspect.getdoc(function)}\n", re.MULTILINE)
    return found[1] if found else ""


def explained(function):
    """The names below "Args", several of them before one colon too."""
    lines = re.findall(r"^    ([\w*][\w*, ]*?)(?: \([^)]*\))?:", section(function, "Args"), re.MULTILINE)
    return [name.strip("* ") for line in lines for name in line.split(",")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_its_arguments_are_explained_in_their_order(name):
    assert explained(FUNCTIONS[name]) == arguments_of(FUNCTIONS[name])


@pytest.mark.parametrize(
    "name",
    [name for name, thing in FUNCTIONS.items() if re.search(r"^\s+raise \w", inspect.getsource(thing), re.M)],
)
def test_what_raises_says_so(name):
    assert section(FUNCTIONS[name], "Raises")


def test_names_are_found_wherever_they_stand():
    def several(a, *b, c=1, **d):
        """Something.

        Args:
            a, b: two,
                told twice: here.
            c (int): one.
            d: the rest.

        Returns:
            e: nothing.
        """

    assert explained(several) == ["a", "b", "c", "d"]
    assert sorted(arguments_of(several)) == ["a", "b", "c", "d"]
    assert len(FUNCTIONS) > 70
