"""The cell magic: ``%load_ext semiring_widgets``, then ``%%explain`` and a sentence.

Example::

    %%explain --target are --contrast is
    The keys to the cabinet [MASK] on the table.

The widget fills up while the cell runs; interrupting the kernel cancels and keeps what is known. Then the
output also gets the static picture, so that the saved notebook shows something without a kernel. The
`Explanation` is the variable named by ``--store``. ``%%explain?`` tells the options, with examples.
"""

from __future__ import annotations

import argparse
import shlex
from typing import Any, Final

from semiring_widgets.errors import InputError, SemiringWidgetsError
from semiring_widgets.options import Parser, add_question, keyword_arguments, pair, with_pair

__all__ = ["explain_cell", "load_ipython_extension", "unload_ipython_extension"]

_ABOUT: Final = """Explain a model's prediction for the text of this cell, and show the widget.

The widget fills up while the cell runs. Interrupting the kernel cancels and keeps what is known. The result
is afterwards in the variable `explanation`."""

_EXAMPLES: Final = """\
examples, each a cell of its own:

  Which of two answers, and why (the embedded model):

    %%explain --target are --contrast is
    The keys to the cabinet [MASK] on the table.

  A model of your own, from variables; the result is kept as `mine`:

    %%explain --model model --tokenizer tokenizer --store mine
    The capital of France is

  Against a second text, and with the spread of the paths as one more number:

    %%explain --target are --reference "The key to the cabinet [MASK] on the table." --semiring variance
    The keys to the cabinet [MASK] on the table.

  Only paths through one head:

    %%explain --target are --through '{"layer": 3, "head": 1}'
    The keys to the cabinet [MASK] on the table.

afterwards:

  explanation.answer                 the answer in sentences
  explanation.effects()              a table of what was tested
  explanation.to_html("keys.html")   a page that needs no kernel
  explanation.save("keys.nc")        a file; JupyterLab opens it by double click

The same from Python: help(semiring_widgets.explain)."""


def load_ipython_extension(shell: Any) -> None:
    """Register ``%%explain``; IPython calls this for ``%load_ext semiring_widgets``."""

    def explain(line: str, cell: str) -> None:
        explain_cell(shell, line, cell)

    # What ``%%explain?`` shows.
    explain.__doc__ = _parser().format_help()
    shell.register_magic_function(explain, magic_kind="cell", magic_name="explain")


def unload_ipython_extension(shell: Any) -> None:
    """Remove ``%%explain``."""
    shell.magics_manager.magics["cell"].pop("explain", None)


def explain_cell(shell: Any, line: str, cell: str) -> None:
    """Explain the text of a cell, and show the widget.

    Args:
        shell: the IPython shell; ``--model``, ``--tokenizer`` and ``--semiring`` may name its variables.
        line: the options.
        cell: the text.
    """
    try:
        _explain(shell, line, cell)
    except SemiringWidgetsError as error:
        # UsageError is IPython's way to show a sentence without a traceback, and the cell still fails.
        from IPython.core.error import UsageError

        raise UsageError(str(error)) from None


def _explain(shell: Any, line: str, cell: str) -> None:
    from IPython.display import display

    from semiring_widgets.widgets import explain

    try:
        options = _parser().parse_args(shlex.split(line))
    except ValueError as error:  # shlex: a quotation that is not closed
        raise InputError(f"The options {line!r} cannot be read: {error}.") from error
    except SystemExit:  # --help has been printed
        return
    text = cell.strip()
    if not text:
        raise InputError("The cell holds no text; write a sentence below %%explain.")
    model, tokenizer = pair(options, shell.user_ns.get)
    widget = explain(
        model, tokenizer, with_pair(text, options), **keyword_arguments(options, shell.user_ns.get)
    )
    handle = display(widget, display_id=True)
    result = widget.wait()
    shell.user_ns[options.store] = result
    if handle is not None:
        handle.update(widget._repr_mimebundle_()[0], raw=True)


def _parser() -> Parser:
    parser = Parser(
        prog="%%explain",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_question(parser)
    parser.add_argument(
        "--store", default="explanation", metavar="NAME", help="variable for the result (explanation)"
    )
    return parser
