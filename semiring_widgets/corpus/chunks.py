"""A chunk of rows, asked in batches: what goes wrong with a row is that row's alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from semiring_widgets.corpus.files import Tables
from semiring_widgets.corpus.rows import Row, Unread, writable
from semiring_widgets.corpus.rows_done import RowsDone
from semiring_widgets.corpus.token_classes import classes_of
from semiring_widgets.errors import SemiringWidgetsError, sentence_of
from semiring_widgets.explanation.asking import check_question
from semiring_widgets.explanation.batch_calls import batches_of
from semiring_widgets.explanation.batches import CLASS, BatchOptions, Example, explain_together
from semiring_widgets.explanation.edges_asked import edges_of
from semiring_widgets.explanation.prepared import Prepared
from semiring_widgets.explanation.references import check_reference
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from semiring_widgets.results.visible import token_label

__all__ = ["Asker"]


@dataclass(frozen=True, eq=False)
class Asked:
    """A row that can be asked.

    Attributes:
        row: what it says.
        one: its question.
        classes: of every token, by stream.
    """

    row: Row
    one: Prepared
    classes: Sequence[Sequence[str]]


@dataclass(frozen=True, eq=False)
class Asker:
    """Asks a model about rows; what an engine hands to its workers.

    Attributes:
        model: in eval mode.
        tokenizer: its tokenizer.
        options: what is asked of every text.
        reference: what rows without one of their own are compared with.
        kinds: which kinds of parts are kept.
        batch_size: the most texts of a batch.
        progress: told of every row that is done, and often between.
    """

    model: Any
    tokenizer: Any
    options: BatchOptions
    reference: Any
    kinds: Sequence[str]
    batch_size: int
    progress: RowsDone = field(default_factory=RowsDone)

    def __call__(self, rows: Sequence[Row | Unread]) -> Tables:
        """The tables of some rows, in their order.

        Args:
            rows: in the order of the corpus.
        """
        errors: dict[int, dict[str, Any]] = {}
        asked: list[Asked] = []
        for row in rows:
            if isinstance(row, Unread):
                errors[row.number] = self._error(row, row.error)
                continue
            self.progress()
            try:
                one = self._prepared(row)
                asked.append(Asked(row, one, classes_of(one, row.classes or {})))
            except Exception as error:  # noqa: BLE001  (whatever is wrong with a row, the others go on)
                errors[row.number] = self._error(row, error)
        found: dict[int, Example] = {}
        for row, result in self._answered(asked):
            if isinstance(result, Exception):
                errors[row.number] = self._error(row, result)
            else:
                found[row.number] = result
        told = [(each, found[each.row.number]) for each in asked if each.row.number in found]
        return {
            "examples": [_example(each.row, each.one, example) for each, example in told],
            "parts": pd.concat([self._parts(*each) for each in told], ignore_index=True) if told else [],
            "errors": [errors[number] for number in sorted(errors)],
        }

    def alone(self) -> Asker:
        """The same, telling nobody: what a worker elsewhere gets."""
        return replace(self, progress=RowsDone())

    def _prepared(self, row: Row) -> Prepared:
        question = Question(row.asked, row.target, row.contrast, row.position)
        check_question(self.model, self.tokenizer, question)
        check_reference(self._reference(row))
        return prepare(self.model, self.tokenizer, question)

    def _reference(self, row: Row) -> Any:
        return self.reference if row.reference is None else row.reference

    def _answered(self, asked: Sequence[Asked]) -> Iterator[tuple[Row, Example | Exception]]:
        for batch in batches_of([each.one for each in asked], self.batch_size):
            yield from self._together([asked[number] for number in batch])

    def _together(self, asked: Sequence[Asked]) -> Iterator[tuple[Row, Example | Exception]]:
        """One batch; where it fails, its halves, down to the rows that are to blame."""
        self.progress()
        try:
            references = [self._reference(each.row) for each in asked]
            classes = [each.classes for each in asked] if CLASS in self.kinds else None
            questions = [each.one for each in asked]
            found = explain_together(questions, references, self.options, self.progress, classes)
        except Exception as error:
            if self.progress.stopped:
                raise
            if len(asked) == 1:
                yield asked[0].row, error
                return
            half = len(asked) // 2
            yield from self._together(asked[:half])
            yield from self._together(asked[half:])
            return
        self.progress(len(asked))
        for each, example in zip(asked, found, strict=True):
            yield each.row, example

    def _error(self, row: Row | Unread, error: Exception) -> dict[str, Any]:
        self.progress(1)
        said = str(error) if isinstance(error, SemiringWidgetsError) else sentence_of(error)
        return {
            "row": row.number,
            "id": row.id,
            "text": None
            if row.text is None
            else writable(row.text if isinstance(row, Unread) else row.shown),
            "error": type(error).__name__,
            "reason": writable(said),
        }

    def _parts(self, asked: Asked, example: Example) -> pd.DataFrame:
        row, one = asked.row, asked.one
        known: dict[tuple[Any, Any], tuple[str, str]] = {
            (stream, token.index): (token_label(token), asked.classes[stream][token.index])
            for stream, own in enumerate(one.streams)
            for token in own.tokens
        }
        kept = example.parts[example.parts["kind"].isin(self.kinds)]
        if "edge" in self.kinds:
            edges = edges_of(one, self._reference(row), self.options, self.progress)
            kept = pd.concat([kept, edges.astype({"layer": "Int64", "head": "Int64"})], ignore_index=True)
        places = zip(kept["stream"], kept["token"], strict=True)
        # What has no token has no stream, or no number there.
        told = [(None, None) if token is pd.NA else known[stream, token] for stream, token in places]
        texts = {
            name: pd.Series([each[n] for each in told], kept.index, object)
            for n, name in enumerate(("token_text", "token_class"))
        }
        return kept.assign(row=row.number, id=row.id, **texts)


def _example(row: Row, one: Prepared, example: Example) -> dict[str, Any]:
    score, tokens = example.score, one.streams[0].tokens
    words = example.parts[(example.parts["kind"] == "token") & (example.parts["stream"] == 0)]
    words = words.astype({"effect": "float64", "contribution": "float64"})
    sizes = words["effect"].fillna(words["contribution"]).abs()
    top = int(sizes.argmax()) if len(words) else None
    return {
        "row": row.number,
        "id": row.id,
        "group": row.group,
        "text": one.text,
        "row_digest": row.digest,
        "tokens": len(tokens),
        "target": score.target,
        "contrast": score.contrast,
        "position": score.position,
        "label": score.label,
        "score": score.value,
        "right": score.value > 0 if score.contrast is not None else None,
        "reference": example.reference.label,
        "reference_score": example.reference.score,
        "log_mass": example.totals.log_mass,
        "entropy": example.totals.entropy,
        "best_log_weight": example.totals.best_log_weight,
        "best_path": example.best_path,
        "top_token": None if top is None else int(words["token"].iloc[top]),
        "top_token_text": None if top is None else token_label(tokens[int(words["token"].iloc[top])]),
        "top_token_effect": None if top is None else _known(words["effect"].iloc[top]),
    }


def _known(number: float) -> float | None:
    return None if math.isnan(number) else float(number)
