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

__all__ = ["SavedPageHandler", "add_handlers", "page_of"]

# Bytes of a file: results have a few MB, and what is larger is somebody else's data.
_MOST: Final = 256_000_000
# So many files are in memory, and so many processes run, at once.
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
        try:
            self.finish({"page": await page_of(self.contents_manager, path)})
        except InputError as error:
            self.set_status(422)
            self.finish({"message": str(error)})


async def page_of(manager: Any, path: str) -> str:
    """The page of a file.

    Args:
        manager: the server's contents manager, of any kind: its files need not lie on a disk.
        path: of the file, as the manager counts.

    Raises:
        InputError: it is no result, or the manager does not give it whole.
        HTTPError: the manager refuses the path.
    """
    name = path.rsplit("/", 1)[-1]
    async with _turns:
        try:
            known: dict[str, Any] = await ensure_async(manager.get(path, content=False, type="file"))
            if (known.get("size") or 0) > _MOST:
                raise _too_large(name)
            model: dict[str, Any] = await ensure_async(manager.get(path, type="file", format="base64"))
        except OSError as error:  # of links that lead back to themselves, and of disks
            raise InputError(f"{name!r} cannot be read: {error.strerror or error}.") from error
        return await asyncio.to_thread(_page, model, name)


def _page(model: dict[str, Any], name: str) -> str:
    content = model.get("content")
    if model.get("format") != "base64" or not isinstance(content, (str, bytes)):
        raise InputError(
            f"{name!r} is not given as bytes by this server; open it with .load(path) in Python."
        )
    if len(content) * 3 // 4 > _MOST:  # a manager need not know the size before
        raise _too_large(name)
    try:
        data = base64.b64decode(content)
    except ValueError as error:
        raise InputError(f"{name!r} did not come whole from this server ({error}).") from error
    return page_elsewhere(data, name)


def _too_large(name: str) -> InputError:
    most = f"{_MOST // 1_000_000} MB"
    return InputError(f"{name!r} has more than {most} and is no result of semiring_widgets.")


def add_handlers(application: Any) -> None:
    """Let a server answer.

    Args:
        application: the server's `tornado.web.Application`.
    """
    route = url_path_join(application.settings["base_url"], f"/semiring-widgets/saved{path_regex}")
    application.add_handlers(".*$", [(route, SavedPageHandler)])
