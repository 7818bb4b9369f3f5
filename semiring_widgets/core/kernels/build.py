"""Compile the C kernels into one small shared library, without Python's or torch's headers.

Also a script: ``python build.py`` prints the library's path, or one sentence that says why there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["build", "library_name"]

_HERE = Path(__file__).resolve().parent
_SOURCES = ("contractions.c", "k_best.c", "log_rows.c", "openmp.c")
_FLAGS = (
    "-O3",
    "-std=c11",
    "-fPIC",
    "-shared",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
)


def library_name() -> str:
    """File name of the library on this system."""
    return {"darwin": "libcontractions.dylib", "win32": "contractions.dll"}.get(
        sys.platform, "libcontractions.so"
    )


def build(folder: Path) -> Path | None:
    """Compile into a folder.

    Args:
        folder: where the library goes.

    Returns:
        Its path, or None where there is no working C compiler (``$CC``, cc, gcc or clang).
    """
    compiler = next((found for name in (os.environ.get("CC"), "cc", "gcc", "clang") if name
                     and (found := shutil.which(name))), None)  # fmt: skip
    if compiler is None:
        return None
    target = folder.resolve() / library_name()
    scratch = target.with_suffix(f".{os.getpid()}.tmp")
    command = [compiler, *_FLAGS, *_SOURCES, "-o", str(scratch), "-lm"]
    try:
        # By names alone, as the library keeps them: the same bits in every folder.
        subprocess.run(command, cwd=_HERE, check=True, capture_output=True)
        scratch.replace(target)
    except (OSError, subprocess.CalledProcessError):
        scratch.unlink(missing_ok=True)
        return None
    return target


if __name__ == "__main__":
    sys.stdout.write(
        f"{build(_HERE) or 'There is no C compiler: the sweeps will use torch, which is slower.'}\n"
    )
