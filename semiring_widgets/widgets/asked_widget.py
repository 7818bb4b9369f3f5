"""A widget that is asked: what every view's messages go through, and how answers go back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import anywidget

from semiring_widgets.contract import messages
from semiring_widgets.contract.requests import another_version
from semiring_widgets.errors import sentence_of
from semiring_widgets.widgets.desk import Request

__all__ = ["AskedWidget"]

_log = logging.getLogger(__name__)


class AskedWidget(anywidget.AnyWidget):
    """Takes requests of its own version, and sends answers as far as there is a notebook."""

    def _receive(self, _: Any, request: Any, buffers: Any) -> None:
        """A message of the front end; quick, and on whatever thread the kernel chose."""
        if not isinstance(request, Mapping):
            _log.warning("A message to a semiring_widgets widget was no request: %r.", request)
            return
        misfit = another_version(request)
        if misfit is not None:
            self._reply(messages.failure(request.get("id", 0), misfit))
        else:
            self._requested(request)

    def _requested(self, request: Request) -> None:
        """A request that can be read; as quick."""
        raise NotImplementedError

    def _reply(self, message: messages.Message) -> None:
        header, buffer = message
        try:
            self.send(header, [buffer] if buffer else None)
        except Exception as error:  # noqa: BLE001  (the connection of a closed notebook may fail in any way)
            _log.warning("An answer could not be sent to the notebook: %s", sentence_of(error))
