"""A question that can be changed and asked again, of the same model and tokenizer.

It does not keep the model alive: a notebook keeps what it has shown, and a model may be large.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, fields, replace
from typing import Any

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.asking import check_question
from semiring_widgets.explanation.draft import Check, Report, Run
from semiring_widgets.explanation.families import unwrapped
from semiring_widgets.explanation.run_steps import run_of
from semiring_widgets.explanation.session import LiveSession
from semiring_widgets.question import ExplainOptions, Question
from semiring_widgets.results.asked_arguments import Argument, arguments_of
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.holding import HeldSession

__all__ = ["AskedRun", "Asker"]

_OF_MODEL = [part.name for part in fields(Question)]
_OF_PATHS = [part.name for part in fields(ExplainOptions)]


@dataclass(frozen=True)
class AskedRun:
    """A run, and who can ask again; see `run_of`."""

    run: Run
    asker: Asker

    def __call__(self, report: Report, check: Check) -> Explanation:
        """Compute."""
        return self.run(report, check)


class Asker:
    """One question to one model.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        question: what is asked of the model.
        options: what is asked of the paths.

    Raises:
        InputError: model, tokenizer or question are of another kind than they should be.
    """

    def __init__(self, model: Any, tokenizer: Any, question: Question, options: ExplainOptions) -> None:
        check_question(model, tokenizer, question)
        self._model, self._inner = weakref.ref(model), weakref.ref(unwrapped(model))
        self._tokenizer = tokenizer
        self._question, self._options = question, options

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What is asked, without what is the default."""
        return arguments_of(self._question, self._options)

    def changed(self, **changes: Any) -> Asker:
        """Another question to the same model.

        Args:
            **changes: arguments of `semiring_widgets.explain`, all but model and tokenizer; those that are
                left out stay as they are.

        Raises:
            InputError: there is no such argument, or its value is of another kind than it should be.
        """
        names = [*_OF_MODEL, *_OF_PATHS]
        for name in changes:
            if name not in names:
                raise InputError(f"{shown(name)} cannot be changed here; choose of {', '.join(names)}.")
        question = replace(self._question, **{n: v for n, v in changes.items() if n in _OF_MODEL})
        options = replace(self._options, **{n: v for n, v in changes.items() if n in _OF_PATHS})
        return Asker(self._given(), self._tokenizer, question, options)

    def run(self, before: object = None) -> Run:
        """The question, ready to be run by a worker.

        Args:
            before: the session of an earlier question to the same model; what does not depend on what was
                changed since is taken from it.

        Raises:
            InputError: the model is gone, or something that can be refused before the computation starts.
        """
        held = before.session if isinstance(before, HeldSession) else None
        known = held if isinstance(held, LiveSession) else None
        run = run_of(self._given(), self._tokenizer, self._question, self._options, self, known)
        return AskedRun(run, self)

    def _given(self) -> Any:
        model = self._model() or self._inner()
        if model is None:
            raise InputError(
                "The model is no longer in memory, so nothing can be asked of it; run the cell again."
            )
        return model
