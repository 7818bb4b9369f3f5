"""JupyterLab and Notebook 7 open a saved result by double click, as the interactive page.

The front end (``js/labextension``) knows the endings ``.nc`` and ``.npz`` and shows a frame. What stands in
it is made here, in the server: it reads the file as the contents manager gives it, and a process of its own
makes the page.
A wheel enables this by ``etc/jupyter/jupyter_server_config.d/semiring-widgets.json``.

Internal: Jupyter calls the two functions; use `semiring_widgets.Explanation.load`.
"""

from __future__ import annotations

from typing import Any

__all__: list[str] = []


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    from semiring_widgets.lab.handler import add_handlers  # imports jupyter_server, which not everybody has

    add_handlers(server.web_app)
