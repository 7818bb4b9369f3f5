"""What the server answers when the front end asks for the page of a file.

The file is found by the contents manager, as for everything that Jupyter opens: nothing outside the folder
that is served, nothing hidden, only for those who have logged in. The page comes as a JSON text, so that no
browser runs it as a page of the server's.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, path_regex
from jupyter_server.utils import ensure_async, url_path_join
from tornado.web import authenticated

from semiring_widgets.errors import InputError
from semiring_widgets.lab.saved_page import page_elsewhere

__all__ = ["SavedPageHandler", "add_handlers"]

# Bytes of a file: results have a few MB, and what is larger is somebody else's data.
_MOST: Final = 256_000_000
_AT_ONCE: Final = 2
_turns = asyncio.Semaphore(_AT_ONCE)


class SavedPageHandler(APIHandler):
    """``GET semiring-widgets/saved/<path>``: ``{"page": html}``, or ``{"message": sentence}``."""

    auth_resource = "contents"

    @authenticated
    @authorized
    async def get(self, path: str) -> None:
        """Answer with the page.

        Args:
            path: of the file, as the contents manager counts.
        """
        name = path.rsplit("/", 1)[-1]
        manager: Any = self.contents_manager
        known: dict[str, Any] = await ensure_async(manager.get(path, content=False, type="file"))
        try:
            if (known.get("size") or 0) > _MOST:
                raise InputError(
                    f"{name!r} has more than {_MOST // 1_000_000} MB and is no result of semiring_widgets."
                )
            model = await ensure_async(manager.get(path, type="file", format="base64"))
            data = base64.b64decode(model["content"])
            async with _turns:
                page = await asyncio.to_thread(page_elsewhere, data, name)
        except InputError as error:
            self.set_status(422)
            self.finish({"message": str(error)})
            return
        self.finish({"page": page})


def add_handlers(application: Any) -> None:
    """Let a server answer.

    Args:
        application: the server's `tornado.web.Application`.
    """
    route = url_path_join(application.settings["base_url"], f"/semiring-widgets/saved{path_regex}")
    application.add_handlers(".*$", [(route, SavedPageHandler)])
