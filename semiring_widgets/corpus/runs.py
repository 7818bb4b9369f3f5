"""`explain_corpus`: every row of a corpus explained, in batches, resumable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from semiring_widgets._version import __version__
from semiring_widgets.checks import choice, shown, truth, whole_number
from semiring_widgets.core.rules import Rule, find_rule
from semiring_widgets.corpus.chunks import Asker
from semiring_widgets.corpus.corpus import Corpus
from semiring_widgets.corpus.digests import digest_of_model, digest_of_tokenizer
from semiring_widgets.corpus.files import Folder, arrow, encoded
from semiring_widgets.corpus.locks import alone_in
from semiring_widgets.corpus.on_ray import asked_on_ray, ray_or_sentence
from semiring_widgets.corpus.rows import read_rows, row_or_reason
from semiring_widgets.corpus.rows_done import RowsDone
from semiring_widgets.corpus.table_columns import SCHEMA_VERSION
from semiring_widgets.corpus.token_classes import check_names
from semiring_widgets.corpus.work import Work
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.asking import check_question
from semiring_widgets.explanation.batches import BatchOptions
from semiring_widgets.explanation.planning import check_brought
from semiring_widgets.explanation.references import check_reference
from semiring_widgets.explanation.scores import check_in_eval_mode
from semiring_widgets.question import Question
from semiring_widgets.results.atomic import destination_of
from semiring_widgets.vocabulary import GRANULARITIES

__all__ = ["ENGINES", "KINDS", "explain_corpus"]

ENGINES = ("local", "ray")
KINDS = ("token", "head", "mlp", "branch", "class")
# On top of these, what is asked of each text by itself.
_MORE_KINDS = ("edge",)


def explain_corpus(
    model: Any,
    tokenizer: Any,
    rows: Any,
    *,
    out: str | os.PathLike[str],
    columns: Mapping[str, str] | None = None,
    classes: str | Sequence[str] = (),
    granularity: str = "primitive",
    rules: str | Rule = "gradient",
    reference: str | None = None,
    tested: bool = True,
    kinds: Sequence[str] = KINDS,
    batch_size: int = 16,
    chunk_size: int = 128,
    engine: str = "local",
    workers: int | None = None,
    gpus_per_worker: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Explain every row of a corpus, and keep what comes out in two tables.

    Rows of nearly one length are asked together, the shorter ones padded, one distribution of paths each;
    what a row says does not depend on the others. A run that was stopped, in whatever way, goes on where it
    was when it is started again: every row is there once. A row that cannot be asked goes to a table of
    errors with its reason.

    Args:
        model: a transformers model in eval mode; it is not changed.
        tokenizer: its tokenizer.
        rows: the path of a JSONL, CSV, TSV or Parquet file, a DataFrame of pandas or polars, a
            `pyarrow.Table`, a `datasets.Dataset`, or a list of dicts. A row has a ``text``, and may have
            ``second_text``, ``target``, ``contrast``, ``position`` and ``reference`` as in `explain`, an
            ``id`` and a ``group``.
        out: the folder of the results.
        columns: by field, the column that it is read from where that has another name.
        classes: columns that say which words of a text are of a class that bears the column's name: their
            numbers, counted from 0, words being what stands between white space (``2``, ``"2 5"``). Tokens of
            these words are of that class in the tables.
        granularity: which graph is counted, as in `explain`.
        rules: which number an edge carries, as in `explain`.
        reference: what rows without one of their own are compared with: ``"mask"``, ``"mean"``, ``"zero"`` or
            a text; None for the mask token where there is one, else the mean.
        tested: whether the effect of every token, head and feed-forward part is measured; without, they are
            estimated only.
        kinds: which parts are kept: ``"token"``, ``"head"``, ``"mlp"``; ``"branch"``, the flow by every
            branch of every layer at every token, and ``"class"``, that by every head between classes of
            tokens, which are most of the table. ``"edge"``, what every component gives to every other as
            `edges` says it, is to be asked for: it takes longer than all others together.
        batch_size: the most texts that are asked together.
        chunk_size: rows that are kept together; what an interruption loses is at most as much.
        engine: ``"local"``: this process; or ``"ray"``: workers of Ray Data, each with a copy of the model:
            on the Ray that runs, the cluster that ``RAY_ADDRESS`` names, or one of its own on this machine.
        workers: of Ray; None for one a GPU, or one a processor where there are no GPUs.
        gpus_per_worker: of Ray, may be a fraction; None for one where there are GPUs.
        progress: called with (rows done, rows in all), with Ray after every chunk; may raise to stop.

    Returns:
        The `Corpus`: its tables as pandas, and the Parquet files that others read.

    Raises:
        InputError: a corpus that cannot be read, a folder that holds another run, a full disk.
        MemoryLimitError: accelerate would bring more weights than there is memory for.

    Example:
        >>> import tempfile
        >>> pairs = sw.tasks.agreement_pairs(n=3)
        >>> rows = [{"text": p.text, "target": p.target, "contrast": p.contrast} for p in pairs]
        >>> found = explain_corpus(model, tokenizer, rows, out=tempfile.mkdtemp())
        >>> found.examples()["right"].tolist(), sorted(found.parts()["kind"].unique())
        ([True, True, True], ['branch', 'class', 'head', 'mlp', 'token'])
    """
    arrow()
    granularity = choice(granularity, "granularity", GRANULARITIES)
    engine = choice(engine, "engine", ENGINES)
    kinds = tuple(dict.fromkeys(choice(kind, "kinds", (*KINDS, *_MORE_KINDS)) for kind in _listed(kinds)))
    rule = find_rule(rules)
    check_reference(reference)
    if reference is not None and not isinstance(reference, str):
        raise InputError(f"reference is {shown(reference)}; give 'mask', 'mean', 'zero' or a text.")
    batch_size = whole_number(batch_size, "batch_size")
    chunk_size = whole_number(chunk_size, "chunk_size")
    tested = truth(tested, "tested")
    check_question(model, tokenizer, Question(""))
    check_in_eval_mode(model)
    check_brought(model, None)
    _check_workers(engine, workers, gpus_per_worker)
    classes = check_names(classes)
    read = read_rows(rows, columns, classes)
    folder = Folder(Path(destination_of(out)))
    asked = {
        "model": type(model).__name__,
        "name": str(getattr(getattr(model, "config", None), "_name_or_path", "") or ""),
        "weights": digest_of_model(model),
        "tokenizer": digest_of_tokenizer(tokenizer),
        "granularity": granularity,
        "rules": rule.name,
        "reference": reference,
        "tested": tested,
        "kinds": list(kinds),
        "chunk_size": chunk_size,
        "columns": dict(columns or {}),
        "classes": list(classes),
    }
    versions = {"semiring_widgets": __version__, "torch": torch.__version__}
    done = RowsDone(progress, len(read))
    options = BatchOptions(granularity, rules, tested)
    ask = Asker(model, tokenizer, options, reference, kinds, batch_size, done)
    with alone_in(folder.path):
        folder.begin({"schema_version": SCHEMA_VERSION, **versions, "rows": len(read), "asked": asked})
        works = _unfinished(folder, read, chunk_size, done)
        if engine == "ray":
            # Finding them all first keeps a Ray from starting for nothing.
            left = list(works)
            for work, files in asked_on_ray(ask, left, workers, gpus_per_worker) if left else ():
                folder.write(work.chunk, files)
                done(len(work.rows))
        else:
            for work in works:
                folder.write(work.chunk, encoded(ask(work.rows), work.digests))
                done()
    return Corpus(folder)


def _unfinished(
    folder: Folder, read: Sequence[Mapping[str, Any]], chunk_size: int, done: RowsDone
) -> Iterator[Work]:
    """The chunks that are still to be asked; of the others, whether they are of these rows."""
    for chunk, start in enumerate(range(0, len(read), chunk_size)):
        own = read[start : start + chunk_size]
        work = Work(chunk, [row_or_reason(given, number) for number, given in enumerate(own, start)])
        kept = folder.digests(chunk)
        if kept is None:
            yield work
        elif kept == work.digests:
            done(len(own))
        else:
            raise InputError(
                f"Rows {start} to {start + len(own) - 1} are not those that {folder} was written for; give "
                f"another folder, or the corpus as it was."
            )


def _check_workers(engine: str, workers: Any, gpus: Any) -> None:
    """Whether they fit the engine, and the engine is there."""
    if engine == "local":
        for name, value in (("workers", workers), ("gpus_per_worker", gpus)):
            if value is not None:
                raise InputError(f"{name} is {shown(value)}, and only engine='ray' has workers.")
        return
    if workers is not None:
        whole_number(workers, "workers")
    number = isinstance(gpus, (int, float)) and not isinstance(gpus, bool)
    if gpus is not None and not (number and (0 <= gpus < 1 or (gpus < 100 and gpus == int(gpus)))):
        raise InputError(
            f"gpus_per_worker is {shown(gpus)}; give 0, a fraction such as 0.5, or a whole number."
        )
    ray_or_sentence()


def _listed(kinds: Any) -> list[Any]:
    return list(kinds) if isinstance(kinds, Iterable) and not isinstance(kinds, str) else [kinds]
