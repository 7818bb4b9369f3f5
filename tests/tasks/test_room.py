"""The room needs numpy, and of the package only what lies below all floors."""

import ast
import sys
from pathlib import Path

from semiring_widgets import tasks

FILES = sorted(Path(tasks.__file__).parent.glob("*.py"))
ALLOWED = {"numpy", *sys.stdlib_module_names}


def imported(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def foreign(source):
    return [
        name
        for name in imported(source)
        if name.split(".")[0] not in ALLOWED
        and name not in {"semiring_widgets.checks", "semiring_widgets.errors"}
        and not name.startswith("semiring_widgets.tasks")
    ]


def test_it_imports_numpy_and_no_other_floor():
    assert foreign("import torch.nn\nfrom semiring_widgets.core import checks") == [
        "torch.nn",
        "semiring_widgets.core",
    ]
    assert len(FILES) > 5
    assert {file.name: found for file in FILES if (found := foreign(file.read_text()))} == {}


def test_every_public_name_is_there_and_no_module_hides_one():
    assert all(hasattr(tasks, name) for name in tasks.__all__)
    assert not {file.stem for file in FILES} & set(tasks.__all__)
