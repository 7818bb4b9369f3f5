"""The command ``semiring-widgets view DIR``: the page of a corpus run that is there already."""

from __future__ import annotations

import argparse
from pathlib import Path

from semiring_widgets.options import Parser
from semiring_widgets.streams import mute

__all__ = ["add_view", "run_view"]


def add_view(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command.

    Args:
        commands: gets it.
    """
    summary = "write the page of a corpus run"
    command = commands.add_parser("view", help=summary, description=f"{summary}; no model is asked")
    command.add_argument("folder", help="what corpus wrote by --out")
    command.add_argument(
        "--html", type=Path, default=Path("corpus.html"), metavar="PATH", help="(%(default)s)"
    )
    command.add_argument("--by", metavar="NAME", help="column of the examples that groups the texts (group)")


def run_view(options: argparse.Namespace) -> bool:
    """Write the page, and tell where; gives whether anybody read it.

    Args:
        options: what the parser gave.

    Raises:
        InputError: no run is there, or the page cannot be written.
    """
    from semiring_widgets.corpus import read_corpus

    page = read_corpus(options.folder).to_html(options.html, by=options.by)
    try:
        print(page)
    except BrokenPipeError:
        mute()
        return False
    return True
