"""What the notebooks of this site show: results as live pages, and the pictures of the gallery."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.display import HTML

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["keep", "live"]

ROOT = Path(__file__).parent
# Sphinx puts what lies in `pages` at the root of the site.
PAGES = ROOT / "_build" / "pages" / "live"


def live(result: Any, name: str, height: int = 620, **options: Any) -> HTML:
    """A result as the page that it exports, inside of this one.

    Args:
        result: whatever has `to_html`; what has `to_png` gives its picture to the gallery.
        name: of the files, without suffix; each name is used once.
        height: of the frame, in pixels.
        options: of `to_html`.
    """
    PAGES.mkdir(parents=True, exist_ok=True)
    result.to_html(PAGES / f"{name}.html", **options)
    if hasattr(result, "to_png"):
        result.to_png(PAGES / f"{name}.png", scale=1.0)
    up = "../" * len(Path.cwd().relative_to(ROOT).parts)
    address = html.escape(f"{up}live/{name}.html")
    return HTML(
        f'<iframe class="live" title="{html.escape(name)}" loading="lazy" src="{address}" '
        f'style="height:{height}px"></iframe>'
        f'<p class="live"><a href="{address}">this view as a page of its own</a></p>'
    )


def keep(figure: Figure, name: str) -> None:
    """Keep a figure as the picture of the gallery, in place of that of the result of this name."""
    PAGES.mkdir(parents=True, exist_ok=True)
    figure.savefig(PAGES / f"{name}.png", dpi=100, bbox_inches="tight")
