"""Imports go downwards only: faces see results, captum and transformers have one home each.

Every import counts: at the top, inside a function, under ``if TYPE_CHECKING``. The floors stand in `MAY_SEE`.
"""

import ast
import os
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import semiring_widgets

PACKAGE = Path(semiring_widgets.__file__).parent
SOURCES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
# What lies below all floors: errors, and words that everybody uses.
GROUND = {"errors", "checks", "vocabulary", "question", "_version", "_lazy"}
# Every floor (a folder, or a module beside them), and the others that it may import from.
MAY_SEE = {
    "_version": set(),
    "_lazy": set(),
    "errors": set(),
    "checks": set(),
    "vocabulary": set(),
    "question": set(),
    "core": set(),
    "semirings": {"core"},
    "rules": {"core"},
    "results": set(),
    "tasks": set(),
    "jobs": {"results"},
    "explanation": {"core", "results"},
    "attr": {"core", "results", "explanation"},
    "corpus": {"core", "results", "explanation"},
    # What a view shows of a corpus, aggregated; knows its tables and no face.
    "overview": {"results", "corpus"},
    "pictures": {"results", "overview"},
    "contract": {"results", "pictures", "overview"},
    "export": {"results", "pictures", "contract", "overview"},
    # These ask for a computation, by the names that its floor exports.
    "widgets": {"results", "jobs", "pictures", "contract", "overview", "explanation", "attr"},
    "options": {"results", "explanation"},
    "streams": set(),
    "terminal": {"results", "pictures", "contract"},
    "notebook": {"options", "widgets"},
    # What a notebook server shows of a file.
    "lab": {"results"},
    "corpus_command": {"corpus", "options", "results", "streams"},
    "view_command": {"corpus", "options", "streams"},
    "cli": {
        *("results", "jobs", "explanation", "attr", "contract", "export"),
        *("options", "streams", "terminal", "corpus_command", "view_command"),
    },
    "__main__": {"cli"},
    "faces": {"export", "widgets", "corpus", "overview", "pictures", "results"},
    # The root exports the public names, and tells results what shows them.
    "__init__": {
        "core",
        "rules",
        "semirings",
        "results",
        "explanation",
        "attr",
        "corpus",
        "tasks",
        "widgets",
        "notebook",
    },
}
FACES = (
    "pictures",
    "contract",
    "export",
    "widgets",
    "options",
    "streams",
    "terminal",
    "notebook",
    "lab",
    "corpus_command",
    "view_command",
    "cli",
)
# What a face may see of the floors that compute: how to ask, never how it is computed.
DOORS = {
    *("semiring_widgets.explanation", "semiring_widgets.explanation.demo"),
    *("semiring_widgets.attr", "semiring_widgets.corpus"),
}
HEAVY = (
    *("torch", "torch._dynamo", "transformers", "captum", "bokeh", "matplotlib", "pandas"),
    *("xarray", "anywidget", "triton"),
)


def imports(source):
    """The absolute module names that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            names.update(_resolved(node.module, alias.name) for alias in node.names)
    return names


def _resolved(module, name):
    """``from a import b`` imports the module a.b if there is one, else a."""
    file = f"{module}.{name}".removeprefix("semiring_widgets.").replace(".", "/")
    inside = module.split(".")[0] == "semiring_widgets"
    return f"{module}.{name}" if inside and {f"{file}.py", f"{file}/__init__.py"} & SOURCES.keys() else module


def floor_of(name):
    """The floor of a module of the package."""
    return name.split(".")[1] if "." in name else "__init__"


def of(floor):
    """The files of a folder or module of the package."""
    return {name for name in SOURCES if name == f"{floor}.py" or name.startswith(f"{floor}/")}


def within(name, *packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def offenders(files, forbidden):
    return [
        f"{file} imports {name}"
        for file in sorted(files)
        for name in sorted(imports(SOURCES[file].read_text(encoding="utf-8")))
        if forbidden(name)
    ]


def circle_among(edges):
    """Modules that import each other, or None."""
    try:
        tuple(TopologicalSorter(edges).static_order())
    except CycleError as error:
        return error.args[1]
    return None


def test_the_scan_sees_all_forms_of_import():
    found = imports(
        "import torch.nn as nn\n"
        "from semiring_widgets import core, errors\n"
        "from semiring_widgets.results.parts import Token\n"
        "if TYPE_CHECKING:\n    import captum\nelse:\n    import bokeh\n"
        "def f():\n    import transformers\n"
    )
    assert found == {
        "torch.nn",
        "semiring_widgets.core",
        "semiring_widgets.errors",
        "semiring_widgets.results.parts",
        "captum",
        "bokeh",
        "transformers",
    }
    assert circle_among({"a": {"b"}, "b": {"c"}, "c": {"a"}}) is not None


def test_no_files_import_each_other():
    modules = {
        f"semiring_widgets.{name}".removesuffix(".py").replace("/", ".").removesuffix(".__init__"): path
        for name, path in SOURCES.items()
    }
    edges = {name: imports(path.read_text(encoding="utf-8")) & set(modules) for name, path in modules.items()}
    assert circle_among(edges) is None


def test_every_file_is_on_a_floor():
    floors = {name.split("/")[0].removesuffix(".py") for name in SOURCES}
    assert floors == set(MAY_SEE)


@pytest.mark.parametrize("floor", MAY_SEE)
def test_imports_go_downwards_only(floor):
    seen = {floor, *GROUND, *MAY_SEE[floor]}

    def hidden(name):
        return within(name, "semiring_widgets") and floor_of(name) not in seen

    assert offenders(of(floor), hidden) == []


def test_core_is_torch_only():
    def other_framework(name):
        return within(name, "transformers", "captum", "ipywidgets", "anywidget", "bokeh", "IPython")

    assert offenders(of("core"), other_framework) == []


def test_captum_is_imported_in_attr_only():
    assert offenders(SOURCES.keys() - of("attr"), lambda name: within(name, "captum")) == []
    assert offenders(of("attr"), lambda name: within(name, "captum")) != []


def test_transformers_is_imported_in_explanation_only():
    assert offenders(SOURCES.keys() - of("explanation"), lambda name: within(name, "transformers")) == []
    assert offenders(of("explanation"), lambda name: within(name, "transformers")) != []


@pytest.mark.parametrize("face", FACES)
def test_faces_never_import_torch(face):
    assert offenders(of(face), lambda name: within(name, "torch")) == []


@pytest.mark.parametrize("face", FACES)
def test_faces_ask_at_the_doors(face):
    def inside(name):
        return within(name, "semiring_widgets.explanation", "semiring_widgets.attr") and name not in DOORS

    assert offenders(of(face), inside) == []


@pytest.mark.parametrize("floor", ["errors", "checks", "results", "jobs"])
def test_plain_facts_know_no_torch(floor):
    assert offenders(of(floor), lambda name: within(name, "torch", "bokeh", "matplotlib", "anywidget")) == []


def loaded_after(statement):
    """Which heavy packages a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*set({HEAVY!r}).intersection(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_package_imports_without_the_heavy_parts():
    assert loaded_after("import semiring_widgets; dir(semiring_widgets)") == set()


def test_triton_waits_for_a_gpu():
    """Torch alone does not import it, nor does a contraction on a CPU."""
    statement = (
        "import torch\n"
        "from semiring_widgets.core.semirings import Max, Weight\n"
        "Max().contract((torch.zeros(2, 3),), Weight(torch.ones(3, 4)))"
    )
    assert "triton" not in loaded_after(statement)


def test_the_compiler_waits_for_a_compiled_model():
    """It takes seconds to import, and modes of PyTorch do so unless they say that they need not."""
    statement = (
        "import torch, semiring_widgets as sw\n"
        "x = torch.ones(2)\n"
        "with sw.record() as tape:\n"
        "    score = (x * x).sum()\n"
        "sw.backprop(tape, score, x)"
    )
    assert "torch._dynamo" not in loaded_after(statement)


@pytest.mark.parametrize(
    "module",
    [
        *("widgets", "export", "pictures", "contract", "notebook", "cli", "attr", "explanation"),
        *("jobs", "results", "tasks"),
    ],
)
def test_folders_import_without_torch(module):
    assert not loaded_after(f"import semiring_widgets.{module}") & {
        "torch",
        "transformers",
        "captum",
        "bokeh",
    }


def test_the_answer_of_a_computation_is_shown_without_torch():
    """Faces draw saved results on machines that will never compute one."""
    statement = "from semiring_widgets.results import load\nimport semiring_widgets.faces"
    assert not loaded_after(statement) & {"torch", "transformers", "captum"}
    # The control: a name that needs torch does load it, so the probe above can fail.
    assert "torch" in loaded_after("import semiring_widgets as sw; sw.record")
