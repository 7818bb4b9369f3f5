"""Doors with names: what is public and what is internal, and names that mean one thing.

A folder says in its first docstring whether it is public, or internal and which public name to use instead.
A module is never called as a public function, which it would hide, nor as another module.
"""

import ast
import importlib
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

import semiring_widgets as sw

PACKAGE = Path(sw.__file__).parent
FOLDERS = [path.parent.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("__init__.py"))]
MODULES = [path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")) if path.stem[:2] != "__"]
FUNCTIONS = {
    name
    for face in (sw, sw.attr, sw.widgets)
    for name in face.__all__
    if inspect.isfunction(getattr(face, name))
}
# Modules called as a function, with the reason: they do not hide it.
CALLED_AS_A_FUNCTION = {
    "core/effects": "the room of `semiring_widgets.effects`, which core itself does not export",
    "core/paths": "paths as a term of the field; `semiring_widgets.paths` is what it is for",
}
# Names that several modules bear, with what tells them apart.
SAME_NAME = {
    "parts": "of a model (anatomy) and of a table of results (results)",
    "question": "of a method to a recorded run (attr) and of a user to a model (the whole package)",
    "questions": "to the core (paths) and to a model with a text (explanation)",
    "registry": "of semirings by name (semirings) and of tasks by name (tasks)",
    "result": "of one sweep (core) and what all results share (results)",
    "session": "what a live result asks (results) and what answers (explanation)",
}


def docstring_of(folder):
    return ast.get_docstring(ast.parse((PACKAGE / folder / "__init__.py").read_text(encoding="utf-8"))) or ""


def found(name):
    """What a dotted public name stands for."""
    thing = sw
    for part in name.split(".")[1:]:
        if not hasattr(thing, part):
            importlib.import_module(f"{thing.__name__}.{part}")
        thing = getattr(thing, part)
    return thing


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_says_whether_it_is_public(folder):
    said = re.search(r"^(Public|Internal)[^:\n]*: (.+)\Z", docstring_of(folder), re.MULTILINE | re.DOTALL)
    assert said, f"{folder}: end its docstring with 'Public: ...' or 'Internal: use `semiring_widgets...`'"
    doors = re.findall(r"`(semiring_widgets\.[\w.]+)`", said[2])
    assert doors or folder == "."
    for door in doors:
        assert found(door) is not None


def test_the_look_at_doors_can_fail():
    with pytest.raises(ImportError):
        found("semiring_widgets.core.no_such_door")


def test_no_module_is_called_as_a_public_function():
    assert {"explain", "record", "compare"} <= FUNCTIONS
    called = {path.as_posix() for path in MODULES if path.stem in FUNCTIONS}
    called |= {folder for folder in FOLDERS if folder.rpartition("/")[2] in FUNCTIONS}
    assert called <= CALLED_AS_A_FUNCTION.keys()


READMES = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("README.md"))]


@pytest.mark.parametrize("readme", READMES)
def test_what_a_readme_names_is_there(readme):
    text = (PACKAGE / readme).read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/.]+(?:/|\.py))`", text))
    assert named
    roots = ((PACKAGE / readme).parent, PACKAGE, PACKAGE.parent, PACKAGE.parent / "tests" / "core")
    # Within a room a file is called by its name, wherever it lies there.
    assert {
        name for name in named if not any([*root.glob(name), *root.glob(f"*/{name}")] for root in roots)
    } == set()


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "."])
def test_no_folder_hides_what_it_exports(folder):
    """``from package import name`` would give the function or the module, whichever was imported last."""
    package = importlib.import_module(f"semiring_widgets.{folder.replace('/', '.')}")
    below = {path.stem for path in (PACKAGE / folder).iterdir()}
    exported = {
        name for name in getattr(package, "__all__", ()) if inspect.isfunction(getattr(package, name))
    }
    assert exported & below == set()


def test_no_two_modules_have_one_name():
    counted = Counter(path.stem for path in MODULES)
    assert {name for name, count in counted.items() if count > 1} <= SAME_NAME.keys()


def public_functions():
    """Where each function is defined that a module offers to others."""
    where = {}
    for path in MODULES:
        text = (PACKAGE / path).read_text(encoding="utf-8")
        for name in re.findall(r"^def ([a-z]\w*)\(", text, re.MULTILINE):
            where.setdefault(name, set()).add(path.as_posix())
    return where


# Words that are functions of several modules, with what tells them apart.
SAME_WORD = {
    "answer": "to a message (contract) and found in a text (explanation)",
    "compare": "at once (attr) and live (widgets)",
    "contract": "on a GPU and on a CPU (kernels)",
    "encode": "messages (contract) and texts (explanation)",
    "explain": "at once (explanation) and live (widgets)",
    "main": "of a command",
    "mimebundle": "of a result, of a corpus, and whichever it is (faces)",
    "pieces": "of work for threads (kernels) and of rows (semirings)",
    "question": "to the user's model and to a statistic (explanation)",
    "read": "paths (anatomy) and files (results)",
    "register": "a rule (jacobian) and a built-in semiring (semirings)",
    "relative": "by torch (semirings) and by a kernel of a GPU (kernels)",
    "restored": "by torch (semirings) and by a kernel of a GPU (kernels)",
    "rule": "of each kind of operator; always called with its module's name before it",
    "source": "text of the TypeScript types (contract) and of the kernels for GPUs (kernels)",
}


def test_a_word_names_one_function():
    where = public_functions()
    several = {name for name, files in where.items() if len(files) > 1}
    assert {name: where[name] for name in several - SAME_WORD.keys() if "_" not in name} == {}


def test_most_functions_have_a_name_of_several_words():
    where = public_functions()
    of_one = [name for name in where if "_" not in name]
    assert len(of_one) / len(where) < 0.45
