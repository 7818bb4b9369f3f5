"""Imports go downwards only: faces see results, captum and transformers have one home each.

The floors, from the bottom: ``core``, ``explanation``, ``attr``, the faces. An import inside a function
counts like one at the top; one under ``if TYPE_CHECKING`` does not, because it never happens.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import semiring_widgets

PACKAGE = Path(semiring_widgets.__file__).parent
SOURCES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
FACES = ("widgets", "export", "notebook", "cli", "options", "streams", "terminal")
# What a face may see of the floors below it: results and how to get one, never how it is computed.
SEEN_BY_FACES = {
    "semiring_widgets",  # its version
    "semiring_widgets.errors",
    "semiring_widgets.explanation",
    "semiring_widgets.explanation.atomic",
    "semiring_widgets.explanation.demo",
    "semiring_widgets.explanation.facts",
    "semiring_widgets.explanation.holding",
    "semiring_widgets.explanation.jobs",
    "semiring_widgets.explanation.results",
    "semiring_widgets.explanation.schema",
    "semiring_widgets.explanation.visible",
    "semiring_widgets.explanation.wording",
    "semiring_widgets.attr",
    "semiring_widgets.attr.results",
}
HEAVY = (
    *("torch", "torch._dynamo", "transformers", "captum", "bokeh", "matplotlib", "pandas"),
    *("xarray", "anywidget", "triton"),
)


class Imports(ast.NodeVisitor):
    """Collects the absolute module names that a file imports when it runs."""

    def __init__(self):
        self.names = set()

    def visit_Import(self, node):
        self.names.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node):
        assert node.level == 0, f"line {node.lineno}: relative import"
        self.names.update(_resolved(node.module, alias.name) for alias in node.names)

    def visit_If(self, node):
        if ast.unparse(node.test) not in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            self.generic_visit(node)
            return
        for statement in node.orelse:
            self.visit(statement)


def _resolved(module, name):
    """``from a import b`` imports the module a.b if there is one, else a."""
    file = f"{module}.{name}".removeprefix("semiring_widgets.").replace(".", "/")
    inside = module.split(".")[0] == "semiring_widgets"
    return f"{module}.{name}" if inside and {f"{file}.py", f"{file}/__init__.py"} & SOURCES.keys() else module


def imports(source):
    visitor = Imports()
    visitor.visit(ast.parse(source))
    return visitor.names


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


def test_the_scan_sees_all_forms_of_import():
    found = imports(
        "import torch.nn as nn\n"
        "from semiring_widgets import core, errors\n"
        "from semiring_widgets.explanation.results import Token\n"
        "if TYPE_CHECKING:\n    import captum\nelse:\n    import bokeh\n"
        "def f():\n    import transformers\n"
    )
    assert found == {
        "torch.nn",
        "semiring_widgets.core",
        "semiring_widgets.errors",
        "semiring_widgets.explanation.results",
        "bokeh",
        "transformers",
    }


def test_every_floor_exists():
    for floor in ("core", "explanation", "attr", "tasks", *FACES):
        assert of(floor), f"the floor {floor} has no files: was it renamed?"


def test_core_knows_nothing_above_it():
    def above(name):
        return within(name, "semiring_widgets") and not within(
            name, "semiring_widgets.core", "semiring_widgets.errors"
        )

    assert offenders(of("core"), above) == []


def test_core_is_torch_only():
    def other_framework(name):
        return within(name, "transformers", "captum", "ipywidgets", "anywidget", "bokeh", "IPython")

    assert offenders(of("core"), other_framework) == []


def test_explanation_knows_no_captum_and_imports_no_face_on_the_way_up():
    faces = [f"semiring_widgets.{face}" for face in FACES]
    # The one way up: a result shows and exports itself, by an import at the moment of display.
    upwards = of("explanation") - {"explanation/results.py"}
    assert offenders(upwards, lambda name: within(name, *faces, "semiring_widgets.attr")) == []
    assert offenders(of("attr") - {"attr/results.py"}, lambda name: within(name, *faces)) == []


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
def test_faces_see_results_and_other_faces_only(face):
    faces = [f"semiring_widgets.{other}" for other in FACES]

    def hidden(name):
        return within(name, "semiring_widgets") and name not in SEEN_BY_FACES and not within(name, *faces)

    assert offenders(of(face), hidden) == []


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
        timeout=120,
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
    "module", ["widgets", "export", "notebook", "cli", "attr", "explanation", "explanation.jobs", "tasks"]
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
    statement = "from semiring_widgets.explanation.results import Token\nimport semiring_widgets.export.html"
    assert not loaded_after(statement) & {"torch", "transformers", "captum"}
    # The control: a name that needs torch does load it, so the probe above can fail.
    assert "torch" in loaded_after("import semiring_widgets as sw; sw.record")
