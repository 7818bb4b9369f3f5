"""The types of messages about charts; a part of `table`, which lists them.

>>> ChartRequest().answer.type
'chart'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from semiring_widgets.contract.fields import Selection
from semiring_widgets.contract.message_kinds import Answer, Request

__all__ = ["BokehAnswer", "BokehRequest", "ChartAnswer", "ChartRequest"]


@dataclass(frozen=True, kw_only=True)
class ChartAnswer(Answer, type="chart"):
    """A chart for BokehJS.

    Attributes:
        selection: whose paths it shows.
        item: what ``Bokeh.embed.embed_item`` takes.
        dark: the same with light letters.
    """

    selection: Selection
    item: Any
    dark: Any


@dataclass(frozen=True, kw_only=True)
class BokehAnswer(Answer, type="bokehjs"):
    """BokehJS itself, in the buffer."""

    version: str


@dataclass(frozen=True, kw_only=True)
class ChartRequest(Request, type="chart", answer=ChartAnswer, ahead=True):
    """Asks for the chart of the selected paths.

    Attributes:
        avoiding: parts that none of these paths pass.
        among: parts of which they pass at least one; none for no such condition.
    """

    selection: Selection = ()
    avoiding: Selection = ()
    among: Selection = ()


@dataclass(frozen=True, kw_only=True)
class BokehRequest(Request, type="bokehjs", answer=BokehAnswer):
    """Asks for BokehJS, once per page."""
