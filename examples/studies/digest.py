"""What decides on the rows of a cell, as a digest: where it changes, the cell runs again."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from semiring_widgets import __version__


def settings_of(run: Callable[[], Any]) -> str:
    """A digest of the function, its arguments, the texts behind it and the version of the package.

    The texts are those of its module and of all modules that it imports, directly or not, out of the same
    top-level package. Of the package under study the version stands for the text.

    Args:
        run: a function of a module, its arguments given by `functools.partial`.

    Returns:
        12 hexadecimal digits.
    """
    function, arguments = run, []
    while isinstance(function, partial):
        arguments.append((function.args, sorted(function.keywords.items())))
        function = function.func
    texts = [(name, _text(file)) for name, file in sorted(modules_behind(function.__module__).items())]
    told = repr((function.__module__, function.__qualname__, arguments, texts, __version__))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def modules_behind(module: str) -> dict[str, Path]:
    """A module and those of its top-level package that it imports, also within functions, with their files.

    They are read, not run, so that an import which is put off counts too.

    >>> sorted(modules_behind("examples.studies.study"))
    ['examples.studies.study']
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and (file := _file_of(name)) is not None:
            found[name] = file
            waiting += _imported(_text(file), module.partition(".")[0])
    return found


@cache
def _file_of(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # "package.module.function": the last part is no module
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


@cache
def _imported(text: str, top: str) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            # What is imported from a package may be a module of it.
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.partition(".")[0] == top)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
