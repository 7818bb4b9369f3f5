"""What a published version made public is still there, and is called as it was.

``tests/fixtures/public_names_*.json`` hold the names that a version made public, and the parameters of its
functions. A new version gets a file of its own by ``SEMIRING_WIDGETS_WRITE_FIXTURES=1 pytest
tests/packaging/test_public_names.py``; those of before stay for as long as the promise of CONTRIBUTING.md
holds for them. A name that is to go is kept, with a `DeprecationWarning`, for a minor version.
"""

import importlib
import inspect
import json
import os
import warnings
from pathlib import Path

import pytest

import semiring_widgets as sw

FIXTURES = Path(__file__).parents[1] / "fixtures"
MODULES = ("", ".attr", ".results", ".rules", ".semirings", ".tasks", ".widgets")
P = inspect.Parameter
KEPT = sorted(FIXTURES.glob("public_names_*.json"))


def public():
    """Parameters by name by module: positional ones in their order, then the others."""
    told = {}
    for module in MODULES:
        face = importlib.import_module(f"semiring_widgets{module}")
        told[module] = {name: parameters_of(getattr(face, name)) for name in sorted(face.__all__)}
    return told


def parameters_of(named):
    """Of a function: those that have a place, and those that have a name alone. Classes come as answers."""
    if not inspect.isfunction(named):
        return None
    found = inspect.signature(named).parameters.values()
    one_each = [one for one in found if one.kind not in {P.VAR_POSITIONAL, P.VAR_KEYWORD}]
    return {
        "placed": [one.name for one in one_each if one.kind is not P.KEYWORD_ONLY],
        "named": [one.name for one in one_each if one.kind is P.KEYWORD_ONLY],
        "needed": [one.name for one in one_each if one.default is P.empty],
        "any_name": any(one.kind is P.VAR_KEYWORD for one in found),
    }


@pytest.fixture(autouse=True)
def written():
    """Writes the file of this version, if that is asked for."""
    if os.environ.get("SEMIRING_WIDGETS_WRITE_FIXTURES") == "1":
        lines = [
            f"{json.dumps(module)}: {{\n{rows}\n}}"
            for module, names in public().items()
            for rows in [
                ",\n".join(f" {json.dumps(name)}: {json.dumps(found)}" for name, found in names.items())
            ]
        ]
        text = "{" + ",\n".join(lines) + "}\n"
        (FIXTURES / f"public_names_{sw.__version__}.json").write_text(text, encoding="utf-8")


def broken(before, now):
    """What somebody who called it as it was would stumble over; sentences."""
    if before is None or now is None:
        return [] if before is None else ["it is no longer of the same kind"]
    given, known = (*before["placed"], *before["named"]), {*now["placed"], *now["named"]}
    told = [f"{name!r} is gone" for name in given if name not in known and not now["any_name"]]
    if now["placed"][: len(before["placed"])] != before["placed"]:
        told.append(f"places were {before['placed']} and are {now['placed']}")
    added = set(now["needed"]) - set(before["needed"])
    return told + [f"{name!r} is needed now" for name in sorted(added)]


def test_there_is_a_file_of_this_version():
    assert f"public_names_{sw.__version__}.json" in {path.name for path in KEPT}


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_names_and_parameters_of_a_published_version_are_kept(path):
    stumbled = []
    now = public()
    for module, names in json.loads(path.read_text(encoding="utf-8")).items():
        face = importlib.import_module(f"semiring_widgets{module}")
        for name, before in names.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                if not hasattr(face, name):
                    stumbled.append(f"{face.__name__}.{name} is gone")
                    continue
            same = now[module][name] if name in now[module] else parameters_of(getattr(face, name))
            stumbled += [f"{face.__name__}.{name}: {said}" for said in broken(before, same)]
    assert stumbled == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p["placed"].remove("b"), ["'b' is gone", "places were ['a', 'b'] and are ['a']"]),
        (lambda p: p["placed"].reverse(), ["places were ['a', 'b'] and are ['b', 'a']"]),
        (lambda p: p["named"].clear(), ["'c' is gone"]),
        (lambda p: p["needed"].append("c"), ["'c' is needed now"]),
        (lambda p: (p["placed"].append("d"), p["named"].append("e")), []),
    ],
)
def test_what_breaks_a_call_is_told(change, said):
    before = {"placed": ["a", "b"], "named": ["c"], "needed": ["a"], "any_name": False}
    now = json.loads(json.dumps(before))
    change(now)
    assert broken(before, now) == said
