"""The command line: ``semiring-widgets demo | explain | compare | corpus | view``.

The same options and the same results as in a notebook. Progress goes to stderr, the answer to stdout as a
readable table, and the last line of stdout is always the path of the page (or folder) written. With
``--json`` stdout holds one line of JSON before that. An error is one sentence on stderr, and the exit code is
2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from semiring_widgets._version import __version__
from semiring_widgets.corpus_command import add_corpus, run_corpus
from semiring_widgets.errors import InputError, SemiringWidgetsError, sentence_of
from semiring_widgets.explanation.demo import DEMO_CONTRAST, DEMO_TARGET, DEMO_TEXT
from semiring_widgets.options import Parser, add_question, keyword_arguments, pair, with_pair
from semiring_widgets.question import CompareOptions, ExplainOptions, PathOptions
from semiring_widgets.results.atomic import check_writable
from semiring_widgets.streams import make_readable, mute
from semiring_widgets.view_command import add_view, run_view

if TYPE_CHECKING:
    from semiring_widgets.results.parts import Status

__all__ = ["main"]

_TRACEBACK: Final = "SEMIRING_WIDGETS_TRACEBACK"
_NOBODY_LISTENS: Final = 141  # as the shell says of a process that a closed pipe ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name; None for those of the process.

    Returns:
        Exit code: 0 done, 2 an error (one sentence on stderr), 130 interrupted, 141 whoever read stdout has
        gone away; the files are written nevertheless.
    """
    make_readable()
    try:
        options = _parser().parse_args(arguments)
        run = {"corpus": run_corpus, "view": run_view}.get(options.command, _run)
        heard = run(options)
        if heard:
            sys.stdout.flush()  # a disk that is full is found out now, not after the last line of code
        return 0 if heard else _NOBODY_LISTENS
    except SemiringWidgetsError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        mute()
        return _NOBODY_LISTENS
    except Exception as error:
        if os.environ.get(_TRACEBACK):
            raise
        print(f"{sentence_of(error)} (set {_TRACEBACK}=1 to see where)", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; no page was written.", file=sys.stderr)
        return 130


_COMMANDS: Final[dict[str, tuple[str, type[PathOptions]]]] = {
    "demo": ("explain one sentence with the embedded model", ExplainOptions),
    "explain": ("explain one prediction", ExplainOptions),
    "compare": ("compare attribution methods on one prediction", CompareOptions),
}


def _parser() -> Parser:
    parser = Parser(prog="semiring-widgets", description="Which paths make a prediction?")
    parser.add_argument("--version", action="version", version=f"semiring-widgets {__version__}")
    metavar = " | ".join([*_COMMANDS, "corpus", "view"])
    commands = parser.add_subparsers(dest="command", required=True, metavar=metavar)
    for name, (summary, options) in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == "demo":
            command.add_argument(
                "text", nargs="?", help="the sentence; default: one about agreement in number"
            )
        else:
            command.add_argument("text", help="the text; '-' reads it from standard input")
        add_question(command, options)
        command.add_argument("--html", type=Path, metavar="PATH", help=f"the page to write ({name}.html)")
        command.add_argument(
            "--save", type=Path, metavar="PATH", help="also save the numbers (a zip, for load())"
        )
        command.add_argument("--json", action="store_true", help="print JSON instead of tables")
        command.add_argument("--no-chart", action="store_true", help="leave the Bokeh chart out of the page")
    add_corpus(commands)
    add_view(commands)
    return parser


def _run(options: argparse.Namespace) -> bool:
    """Compute, print and write; gives whether anybody read what was printed."""
    from semiring_widgets.contract.bundle import read_bundle
    from semiring_widgets.export.page import write_page

    destination = options.html or Path(f"{options.command}.html")
    if options.save == destination:
        raise InputError(f"--html and --save both name {str(destination)!r}; give two paths.")
    for path in (destination, options.save):
        if path is not None:
            check_writable(path)
    read_bundle()  # found missing now, not after the computation
    text = with_pair(_text(options), options)
    model, tokenizer = pair(options)
    given = keyword_arguments(options, options=_COMMANDS[options.command][1])
    run: Callable[..., Any]
    if options.command == "compare":
        from semiring_widgets.attr import compare_run as run
    else:
        from semiring_widgets.explanation import explain_run as run
    result: Any = _follow(run(model, tokenizer, text, **given))
    if result.status.state == "cancelled":
        print("Cancelled: the page shows what was known.", file=sys.stderr)
    heard = _printed(result, options)
    if options.save is not None:
        result.save(options.save)
    page = write_page(result, destination, chart=not options.no_chart)
    if heard:
        print(page)
    return heard


def _printed(result: Any, options: argparse.Namespace) -> bool:
    """Print the result; gives whether anybody reads it."""
    try:
        if options.json:
            print(json.dumps(_facts(result), allow_nan=False))
        else:
            from semiring_widgets.terminal import show

            show(result)
    except BrokenPipeError:
        mute()
        return False
    return True


def _text(options: argparse.Namespace) -> str:
    text: str | None = options.text
    if text == "-":
        text = _standard_input()
    if options.command == "demo" and text is None:
        if options.target is None and options.contrast is None:
            options.target, options.contrast = DEMO_TARGET, DEMO_CONTRAST
        return DEMO_TEXT
    if not text:
        raise InputError("The text is empty; give a sentence.")
    return text


def _standard_input() -> str:
    if sys.stdin is None:  # Python's word for a stream that the shell has closed (<&-)
        raise InputError("Standard input is closed; give the text as an argument.")
    try:
        return sys.stdin.read().strip().removeprefix("\ufeff")
    except UnicodeError as error:
        raise InputError(
            f"Standard input is no text in {sys.stdin.encoding} ({error}); convert it first."
        ) from error
    except OSError as error:
        raise InputError(f"Standard input cannot be read: {error.strerror}.") from error


def _follow(run: Callable[..., Any]) -> Any:
    """Run it with a progress bar on stderr; an interrupt keeps what is known."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from semiring_widgets.jobs import ExplanationJob

    columns = (BarColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=None)

        def follow(_: Any, status: Status) -> None:
            progress.update(
                task, description=status.message, completed=status.done, total=status.total or None
            )

        job: ExplanationJob[Any] = ExplanationJob(run, follow)
        return job.result()


def _facts(result: Any) -> dict[str, Any]:
    """The result as JSON: its header, and the numbers per token."""
    from semiring_widgets.contract.messages import encode, unpack

    header, buffer = encode(result, revision=1)
    columns = unpack(header.pop("columns"), buffer)
    count = len(result.tokens)
    numbers = {
        name: values[..., :count]
        for name, values in columns.items()
        if name.startswith("token_") or name == "scores"
    }
    header["numbers"] = {name: _listed(values.tolist()) for name, values in numbers.items()}
    return header


def _listed(value: Any) -> Any:
    """Nested lists with null for NaN and infinities, which JSON does not have."""
    if isinstance(value, list):
        return [_listed(item) for item in value]
    return value if abs(value) <= sys.float_info.max else None


if __name__ == "__main__":
    sys.exit(main())
