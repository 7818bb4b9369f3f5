"""What the examples in docstrings may use without making it, and a folder of their own to write into."""

from collections.abc import Callable
from typing import Any

import pytest

DEMO_TEXT = "The keys to the cabinet [MASK] on the table."


@pytest.fixture(scope="session")
def known_in_examples() -> Callable[[str], Any]:
    """Makes what a name stands for, once, as the examples of `Explanation` and `Comparison` do."""
    import torch

    import semiring_widgets as sw

    known: dict[str, Any] = {"sw": sw, "torch": torch}

    def make(name: str) -> Any:
        if name in known:
            return known[name]
        if name in ("model", "tokenizer"):
            known["model"], known["tokenizer"] = sw.load_demo()
        else:
            given = make("model"), make("tokenizer"), DEMO_TEXT, "are", "is"
            known["e"] = sw.explain(*given)
            known["c"] = sw.compare(*given, methods=["Saliency", "path max"])
        return known[name]

    return make


@pytest.fixture(autouse=True)
def names_of_examples(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, doctest_namespace: dict[str, Any]
) -> None:
    """For examples: ``sw``, ``torch``, ``model``, ``tokenizer``, explanation ``e``, comparison ``c``."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    make = request.getfixturevalue("known_in_examples")
    monkeypatch.chdir(request.getfixturevalue("tmp_path"))
    doctest_namespace.clear()
    used = {name for example in request.node.dtest.examples for name in names_of(example.source)}
    doctest_namespace.update(
        {name: make(name) for name in ("sw", "torch", "model", "tokenizer", "e", "c") if name in used}
    )


def names_of(source: str) -> set[str]:
    """The global names that a piece of code uses, those inside its functions too."""
    found: set[str] = set()
    codes = [compile(source, "example", "exec")]
    while codes:
        code = codes.pop()
        found.update(code.co_names)
        codes += [constant for constant in code.co_consts if hasattr(constant, "co_names")]
    return found
