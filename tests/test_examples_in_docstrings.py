"""Whatever people call has an example in its docstring, with the answer shown; doctest runs them all."""

import doctest
import inspect

import pytest

import semiring_widgets as sw
from semiring_widgets.core import Result

FACES = (sw, sw.attr, sw.widgets)
# IPython calls these two; `tests/test_notebook.py` does as it does.
CALLED_BY_OTHERS = {"sw.load_ipython_extension", "sw.unload_ipython_extension"}
# Its examples are still to be written.
LATER = "semiring_widgets.core.semirings.base"


def functions_of(name, owner):
    """The methods by which people ask an object, those that it has from our other classes too."""
    seen = {}
    for base in inspect.getmro(owner):
        if base.__module__.startswith("semiring_widgets"):
            for part, kept in vars(base).items():
                seen.setdefault(part, kept.__func__ if isinstance(kept, classmethod) else kept)
    for part, kept in seen.items():
        if inspect.isfunction(kept) and not part.startswith("_"):
            yield f"{name}.{part}", kept


def public():
    """All that is public, by the name that people write."""
    found = {}
    for face in FACES:
        for name in face.__all__:
            called = f"{face.__name__.replace('semiring_widgets', 'sw')}.{name}"
            if not inspect.ismodule(getattr(face, name)):
                found[called] = getattr(face, name)
    found["sw.core.Result"] = Result
    for name, thing in list(found.items()):
        if inspect.isclass(thing):
            found.update(functions_of(name, thing))
    return found


PUBLIC = public()


def examples_of(thing):
    return doctest.DocTestParser().get_examples(thing.__doc__ or "")


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in CALLED_BY_OTHERS])
def test_there_is_an_example_with_its_answer(name):
    thing = PUBLIC[name]
    shown = any(example.want or example.exc_msg for example in examples_of(thing))
    assert shown or thing.__module__.startswith(LATER), name


def test_what_is_public_is_found():
    for name in (
        "sw.explain",
        "sw.Explanation.to_html",
        "sw.attr.Comparison.load",
        "sw.widgets.ExplanationWidget.wait",
    ):
        assert name in PUBLIC
    assert len(PUBLIC) > 70
