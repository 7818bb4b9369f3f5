"""How Sphinx builds this site (`make docs`): notebooks are run, nothing is fetched, a warning is an error."""

import hashlib
from pathlib import Path
from typing import Any

import semiring_widgets

HERE = Path(__file__).parent
BUILT = HERE / "_build"


def what_pages_show() -> str:
    """A digest of the package and of `shown.py`: when one of them changes, every notebook is run again."""
    package = Path(semiring_widgets.__file__).parent
    digest = hashlib.sha256((HERE / "shown.py").read_bytes())
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.js")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


project = "semiring_widgets"
author = "the authors of semiring_widgets"
version = release = semiring_widgets.__version__
project_copyright = "the authors of semiring_widgets (Apache-2.0)"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "README.md"]
html_theme = "furo"
html_title = "semiring_widgets"
html_static_path = ["_static"]
html_css_files = ["docs.css"]
html_js_files = ["docs.js"]
# What `shown.live` writes while notebooks run: pages of explanations, at the root of the site.
html_extra_path = [str(BUILT / "pages")]
html_show_sourcelink = False
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

nb_merge_streams = True
nb_execution_mode = "cache"
nb_execution_cache_path = str(BUILT / f"cache-{what_pages_show()}")
nb_execution_timeout = 1800  # seconds a cell: a busy machine is no fault
nb_execution_raise_on_error = True
# Progress bars of notebooks are widgets, too; what would draw them comes from a network.
nb_ipywidgets_js: dict[str, Any] = {}
# A widget needs its kernel; what stands for it on these pages is the exported page.
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "text/html", 0),
    ("html", "image/svg+xml", 1),
    ("html", "image/png", 2),
    ("html", "text/plain", 9),
]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Attributes that a class documents are then not told twice, as those of named tuples would be.
napoleon_use_ivar = True


def with_plain_bars(_app: Any, _what: str, _name: str, _thing: Any, _options: Any, lines: list[str]) -> None:
    """In docstrings ``|weight|`` is a magnitude, no substitution of reStructuredText."""
    example = False
    for number, line in enumerate(lines):
        example = line.lstrip().startswith((">>>", "...")) or (example and bool(line.strip()))
        if not example:
            pieces = line.split("`")
            pieces[::2] = [piece.replace("|", r"\|") for piece in pieces[::2]]
            lines[number] = "`".join(pieces)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", with_plain_bars)
