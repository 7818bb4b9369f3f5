"""The command ``semiring-widgets corpus FILE --out DIR``: every row of a file explained.

Started again, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from semiring_widgets.errors import InputError
from semiring_widgets.options import Parser, add_model, pair
from semiring_widgets.results.atomic import check_writable
from semiring_widgets.streams import mute
from semiring_widgets.vocabulary import GRANULARITIES, RULES

if TYPE_CHECKING:
    from semiring_widgets.corpus import Corpus

__all__ = ["add_corpus", "run_corpus"]

_COLUMNS: Final = ("text", "second_text", "target", "contrast", "position", "reference", "group", "id")
_SHOWN: Final = 5
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "--granularity": {"default": "primitive", "choices": GRANULARITIES, "help": "which graph is counted"},
    "--rules": {"default": "gradient", "choices": RULES, "help": "which number an edge of the graph carries"},
    "--reference": {"metavar": "TEXT", "help": "of rows without one: mask, mean, zero, or a text"},
    "--untested": {"action": "store_true", "help": "estimate effects only, which is faster"},
    "--kinds": {
        "nargs": "+",
        "metavar": "KIND",
        "help": "token head mlp branch class (these), edge",
    },
    "--class-columns": {
        "nargs": "+",
        "default": (),
        "metavar": "NAME",
        "help": "columns with the numbers of words, from 0, that are a class of their own",
    },
    "--batch-size": {
        "type": int,
        "default": 16,
        "metavar": "N",
        "help": "texts asked together (%(default)s)",
    },
    "--chunk-size": {"type": int, "default": 128, "metavar": "N", "help": "rows kept together (%(default)s)"},
    "--engine": {
        "default": "local",
        "choices": ("local", "ray"),
        "help": "local: this process (the default); ray: workers of Ray Data",
    },
    "--workers": {"type": int, "metavar": "N", "help": "of Ray (one a GPU, else one a processor)"},
    "--gpus-per-worker": {
        "type": float,
        "metavar": "N",
        "help": "of Ray, may be a fraction (1 where there are GPUs)",
    },
    "--json": {"action": "store_true", "help": "print JSON instead of a table"},
    "--html": {"metavar": "PATH", "help": "also write the page that shows them, as view does"},
}


def add_corpus(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command.

    Args:
        commands: gets it.
    """
    summary = "explain every row of a file, resumable"
    command = commands.add_parser("corpus", help=summary, description=f"{summary}; run again, it goes on")
    command.add_argument("file", help="JSONL, CSV, TSV or Parquet")
    command.add_argument("--out", required=True, metavar="DIR", help="the folder of the tables")
    add_model(command)
    for name in _COLUMNS:
        command.add_argument(
            f"--{name.replace('_', '-')}-column", metavar="NAME", help=f"column of the {name} ({name})"
        )
    for option, words in _OPTIONS.items():
        command.add_argument(option, **words)


def run_corpus(options: argparse.Namespace) -> bool:
    """Explain, and tell what came out; gives whether anybody read it.

    Args:
        options: what the parser gave.

    Raises:
        InputError: as `semiring_widgets.explain_corpus`.
        KeyboardInterrupt: what is finished is kept.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from semiring_widgets.corpus import explain_corpus

    if options.html is not None:
        check_writable(options.html)  # found out now, not after the run
    model, tokenizer = pair(options)
    columns = {name: getattr(options, f"{name}_column") for name in _COLUMNS}
    more = {} if options.kinds is None else {"kinds": options.kinds}
    console = Console(stderr=True)
    bar = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*bar, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("rows", total=None)
        found = explain_corpus(
            model,
            tokenizer,
            options.file,
            out=options.out,
            columns={name: column for name, column in columns.items() if column is not None},
            classes=options.class_columns,
            granularity=options.granularity,
            rules=options.rules,
            reference=options.reference,
            tested=not options.untested,
            batch_size=options.batch_size,
            chunk_size=options.chunk_size,
            engine=options.engine,
            workers=options.workers,
            gpus_per_worker=options.gpus_per_worker,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
            **more,
        )
    if options.html is not None:
        found.to_html(options.html)
    try:
        print(json.dumps(_facts(found)) if options.json else _told(found))
        print(found.path)
    except BrokenPipeError:
        mute()
        return False
    return True


def _facts(found: Corpus) -> dict[str, Any]:
    examples, errors = found.examples(), found.errors()
    right = examples["right"].dropna()
    return {
        "rows": len(examples) + len(errors),
        "explained": len(examples),
        "errors": len(errors),
        "right": float(right.mean()) if len(right) else None,
        "mean_score": float(examples["score"].mean()) if len(examples) else None,
        "mean_entropy": float(examples["entropy"].mean()) if len(examples) else None,
    }


def _told(found: Corpus) -> str:
    """What came out, for people."""
    facts = _facts(found)
    lines = [f"{facts['explained']} of {facts['rows']} rows explained."]
    if facts["right"] is not None:
        lines.append(
            f"The target is preferred in {facts['right']:.1%}; mean score {facts['mean_score']:+.3g}."
        )
    of = "effect" if found.manifest["asked"]["tested"] else "contribution"
    with suppress(InputError):  # where no text has a head
        table = found.averages(of, "head").head(_SHOWN)
        lines.append(f"Heads by mean {of} (95 % interval over texts):")
        lines += [
            f"  {row['layer']}·{row['head']}  {row['mean']:+.3g}  [{row['low']:+.3g}, {row['high']:+.3g}]"
            + ("" if row["resolved"] else "  order not resolved")
            for row in table.to_dict("records")
        ]
    for row in found.errors().head(_SHOWN).to_dict("records"):
        lines.append(f"Not explained: row {row['row']} ({row['id']}): {row['reason']}")
    if facts["errors"] > _SHOWN:
        lines.append(f"  and {facts['errors'] - _SHOWN} more, see errors/*.parquet")
    return "\n".join(lines)
