"""The JavaScript bundle: one ES module, built from ``js/`` when the package is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from semiring_widgets.errors import MissingBundleError

__all__ = ["BUNDLE", "read_bundle"]

BUNDLE: Final = Path(__file__).parents[1] / "widgets" / "static" / "widget.js"


def read_bundle(path: Path = BUNDLE) -> str:
    """The bundle's source.

    Args:
        path: where it is.

    Raises:
        MissingBundleError: it was not built. Raised when a widget or page is made, not on import, so that
            everything else works without it.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingBundleError(
            f"The widgets' JavaScript bundle is missing (looked for {str(path)!r}). Install a built package "
            "with 'pip install ./' in the source tree, or build it there with "
            "'npm ci && npm run build' in the folder js."
        ) from error
