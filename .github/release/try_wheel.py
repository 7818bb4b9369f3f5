"""Try an installed wheel, away from the sources: kernels, embedded model, page, command, and what it ships.

cd /somewhere/else && python /path/to/.github/release/try_wheel.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path

import semiring_widgets as sw
from semiring_widgets.core import kernels


def main() -> None:
    """Run each once.

    Raises:
        SystemExit: something is missing, or the C kernels do not load here.
    """
    files = [str(path) for path in distribution("semiring-widgets").files or ()]
    ends = (
        "licenses/LICENSE",
        "licenses/js/THIRD_PARTY_LICENSES.txt",
        "sboms/widget.cdx.json",
        "widgets/static/widget.js",
        "labextensions/semiring-widgets/package.json",
    )
    if missing := [end for end in ends if not any(path.endswith(end) for path in files)]:
        raise SystemExit(f"Not in the wheel: {', '.join(missing)}.")
    if not kernels.accelerated():
        raise SystemExit("The C kernels of the wheel do not load here.")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "demo.html"
        model, tokenizer = sw.load_demo()
        found = sw.explain(
            model, tokenizer, "The key to the cabinets [MASK] here.", target="is", contrast="are"
        )
        found.to_html(page)
        size = page.stat().st_size
        subprocess.run([sys.executable, "-m", "semiring_widgets", "--help"], capture_output=True, check=True)
    bill = json.loads(distribution("semiring-widgets").read_text("sboms/widget.cdx.json") or "{}")
    parts = ", ".join(f"{part['name']} {part['version']}" for part in bill["components"])
    print(f"{sw.__version__}: {sw.__file__}\n{found.answer}\npage of {size:,} bytes; bundled: {parts}")


if __name__ == "__main__":
    main()
