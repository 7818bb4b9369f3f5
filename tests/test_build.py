"""What an installation from a wheel has: bundle, embedded model, type marker; and how it is built."""

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "js" / "hatch_build.py"


@pytest.fixture(scope="module")
def hook():
    """The build hook, which is a script and no module of the package."""
    spec = importlib.util.spec_from_file_location("hatch_build", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built once in this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.slow
def test_wheel_holds_what_pip_users_need(wheel):
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        bundle = archive.read("semiring_widgets/widgets/static/widget.js").decode("utf-8")
    assert "semiring_widgets/py.typed" in sizes
    assert "semiring_widgets/export/page.html" in sizes
    for kernel in ("cuda_terms.cuh", "cuda_tiles.cu", "cuda_rows.cu"):
        assert f"semiring_widgets/core/kernels/{kernel}" in sizes
    assert "export{" in bundle or "export {" in bundle, "the bundle is no ES module"
    weights = [name for name in sizes if name.startswith("semiring_widgets/explanation/embedded_model/")]
    assert sum(sizes[name] for name in weights) > 100_000, f"no embedded model among {weights}"
    for name in ("licenses/LICENSE", "licenses/js/THIRD_PARTY_LICENSES.txt", "sboms/widget.cdx.json"):
        assert [path for path in sizes if path.endswith(f".dist-info/{name}")], name
    extension = "data/share/jupyter/labextensions/semiring-widgets"
    for name in ("package.json", "static/remoteEntry.js", "static/saved-file.js"):
        assert [path for path in sizes if path.endswith(f"{extension}/{name}")], name
    enabled = "data/etc/jupyter/jupyter_server_config.d/semiring-widgets.json"
    assert [path for path in sizes if path.endswith(enabled)]
    assert not [name for name in sizes if name.startswith(("tests/", "js/", "examples/"))]


@pytest.mark.slow
def test_wheel_is_for_this_platform_exactly_if_it_holds_compiled_kernels(wheel, hook):
    with zipfile.ZipFile(wheel) as archive:
        compiled = [name for name in archive.namelist() if name.endswith((".so", ".dylib", ".dll"))]
    assert wheel.name.endswith(f"-py3-none-{hook.platform_tag() if compiled else 'any'}.whl")
    assert len(compiled) <= 1


@pytest.mark.slow
def test_wheel_imports_on_its_own(wheel):
    """From the zip file, so that nothing of the working tree can help."""
    done = subprocess.run(
        [sys.executable, "-c", "import semiring_widgets as sw; print(sw.__file__, sw.__version__)"],
        cwd=wheel.parent,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert str(wheel) in done.stdout


@pytest.fixture
def tree(tmp_path):
    """A source tree with one TypeScript file and a bundle made from it later."""
    (tmp_path / "js" / "src").mkdir(parents=True)
    source = tmp_path / "js" / "src" / "index.ts"
    source.write_text("export default {};")
    bundle = tmp_path / "semiring_widgets" / "widgets" / "static" / "widget.js"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("export default {};")
    os.utime(source, (1000, 1000))
    os.utime(bundle, (2000, 2000))
    return tmp_path


def test_a_bundle_is_built_when_it_is_missing_or_older_than_a_source(hook, tree, monkeypatch):
    monkeypatch.delenv(hook.SKIP_VARIABLE, raising=False)
    assert not hook.needs_bundle(tree)
    os.utime(tree / "js" / "src" / "index.ts", (3000, 3000))
    assert hook.needs_bundle(tree)
    os.utime(tree / "js" / "src" / "index.ts", (1000, 1000))
    (tree / "semiring_widgets" / "widgets" / "static" / "widget.js").unlink()
    assert hook.needs_bundle(tree)
    monkeypatch.setenv(hook.SKIP_VARIABLE, "1")
    assert not hook.needs_bundle(tree)


def test_a_changed_test_does_not_make_the_bundle_stale(hook, tree, monkeypatch):
    monkeypatch.delenv(hook.SKIP_VARIABLE, raising=False)
    (tree / "js" / "src" / "index.test.ts").write_text("")
    assert not hook.needs_bundle(tree)


def test_a_failing_front_end_build_stops_a_wheel_but_not_an_editable_installation(hook, tree, monkeypatch):
    monkeypatch.delenv(hook.SKIP_VARIABLE, raising=False)
    (tree / "semiring_widgets" / "widgets" / "static" / "widget.js").unlink()
    failing = [sys.executable, "-c", "import sys; sys.exit(3)"]
    monkeypatch.setattr(hook, "npm_command", lambda: (failing, dict(os.environ)))
    (tree / "js" / "package-lock.json").write_text("{}")
    warnings = []

    class Application:
        display_warning = warnings.append

    build = hook.ProductsHook(str(tree), {}, None, None, str(tree), "wheel", app=Application())
    with pytest.raises(RuntimeError, match=r"`npm ci .*ended with status 3.*SEMIRING_WIDGETS_SKIP_JS=1"):
        build.initialize("standard", {})
    data = {"sbom_files": []}
    build.initialize("editable", data)
    assert data == {"sbom_files": []}
    assert "No widgets for now" in warnings[0]
    assert warnings[1:] == [hook.SLOWER]


def test_without_a_compiler_a_wheel_is_pure_and_says_what_is_slower(hook, tree, monkeypatch):
    monkeypatch.delenv(hook.SKIP_VARIABLE, raising=False)
    bill = tree / "semiring_widgets" / "widgets" / "static" / "widget.cdx.json"
    bill.write_text("{}")
    warnings = []

    class Application:
        display_warning = warnings.append

    for kernels, told in (
        (None, {}),
        (tree, {"pure_python": False, "tag": f"py3-none-{hook.platform_tag()}"}),
    ):
        monkeypatch.setattr(hook, "build_kernels", lambda _, kernels=kernels: kernels)
        data = {"sbom_files": []}
        hook.ProductsHook(str(tree), {}, None, None, str(tree), "wheel", app=Application()).initialize(
            "standard", data
        )
        assert data == {"sbom_files": [str(bill.relative_to(tree))], **told}
    assert warnings == [hook.SLOWER]
    assert "several times as long" in hook.SLOWER


def test_without_npm_the_installer_is_asked_for_node(hook, tree, monkeypatch):
    monkeypatch.delenv(hook.SKIP_VARIABLE, raising=False)
    monkeypatch.setattr(hook.shutil, "which", lambda _: None)
    build = hook.ProductsHook(str(tree), {}, None, None, str(tree), "wheel")
    assert build.dependencies() == []
    (tree / "semiring_widgets" / "widgets" / "static" / "widget.js").unlink()
    assert build.dependencies() == [hook.NODE_PACKAGE]
    monkeypatch.setattr(hook.shutil, "which", lambda _: "/usr/bin/npm")
    assert build.dependencies() == []
