"""The routes of one prediction, to click through, and the question itself, to be changed and asked again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Final

from semiring_widgets.contract import messages
from semiring_widgets.contract.answers import answer
from semiring_widgets.contract.inquiry import AskRequest, PastQuestion, RecallRequest
from semiring_widgets.contract.requests import request_of
from semiring_widgets.errors import InputError, sentence_of
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.results.asked_arguments import argument_of_words
from semiring_widgets.results.carried_groups import carrying
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.holding import Asks
from semiring_widgets.results.parts import Status
from semiring_widgets.widgets.asked_questions import AskedQuestions, Entry
from semiring_widgets.widgets.desk import Request
from semiring_widgets.widgets.result_widget import ResultWidget

__all__ = ["ExplanationWidget"]

# Questions of views of which one may be sent again.
_HEARD: Final = 32


class ExplanationWidget(ResultWidget[Explanation]):
    """Shows an `Explanation`, or a job that is computing one, live; asks again with another setting.

    The last ten questions are kept, their recordings as long as memory allows.

    Args:
        source: an explanation, or a job that is computing one.
        text: what to show while the job has given nothing yet.
        model: likewise, the model's class.
        asker: asks the question of the job again; a finished explanation knows its own.

    Example:
        >>> widget = ExplanationWidget(e)  # or sw.widgets.explain(model, ...), which fills up layer by layer
        >>> widget.selection = {"layer": 3, "head": 1}  # as a click on that head
        >>> widget.selection
        [{'layer': 3, 'branch': None, 'head': 1, 'token': None, 'stream': 0}]
        >>> widget.result is e
        True
    """

    kind: ClassVar[str] = "explanation"
    shows: ClassVar[type[Any]] = Explanation

    def __init__(
        self,
        source: Explanation | ExplanationJob[Explanation],
        *,
        text: str = "",
        model: str = "",
        asker: Asks | None = None,
    ) -> None:
        result = source if isinstance(source, Explanation) else None
        own = getattr(getattr(result, "session", None), "asker", None)
        first = Entry(1, own if asker is None else asker)
        self._asked = AskedQuestions(first)
        self._asked.show(result)
        self._heard: deque[Any] = deque(maxlen=_HEARD)
        super().__init__(source, text=text, model=model)

    @property
    def explanation(self) -> Explanation | None:
        """The answer to the last question, finished or not; None before anything is known.

        Those before it are objects of their own, and stay as they are.

        Example:
            >>> widget = sw.widgets.ExplanationWidget(e)
            >>> widget.ask(reference="zero")
            >>> widget.wait().reference.kind, widget.explanation.reference.kind, e.reference.kind
            ('zero', 'zero', 'mask')
        """
        return self.result

    @property
    def questions(self) -> tuple[PastQuestion, ...]:
        """The last questions that have an answer, the newest first: for `recall`.

        Example:
            >>> widget = sw.widgets.ExplanationWidget(e)
            >>> [(question.number, question.label) for question in widget.questions]
            [(1, 'logit(are) - logit(is) at [MASK]')]
        """
        return tuple(entry.told() for entry in self._asked.past)

    def ask(self, **changes: Any) -> None:
        """Ask again with some arguments changed, as the question bar does; only what depends on them is made.

        The answer before stays until the new one has its first sentences, and for good where this fails.

        Args:
            **changes: arguments of `semiring_widgets.explain`, all but model and tokenizer. Without any, all
                is computed anew.

        Raises:
            InputError: there is no such argument, it can be refused before the computation starts (later
                errors are shown in the widget and raised by ``wait``), or nobody can be asked: the
                explanation was read from a file, or its model is no longer in memory.

        Example:
            >>> widget = sw.widgets.ExplanationWidget(e)
            >>> widget.ask(target="were", contrast="was")
            >>> widget.wait().score.label
            'logit(were) - logit(was) at [MASK]'
            >>> widget.recall(1)
            >>> widget.explanation is e
            True
        """
        asker = self._asked.base.asker
        if asker is None:
            raise InputError(
                "This explanation came without its model, as from a file, so nothing can be asked again; run "
                "sw.explain with the model."
            )
        self._start(asker.changed(**changes), reuse=bool(changes))

    def recall(self, number: int) -> None:
        """Show the answer to an earlier question; where it was let go, the question is asked again.

        Args:
            number: of the question, see `questions`.

        Raises:
            InputError: it is not among the last ones, or cannot be asked again.

        Example:
            >>> widget = sw.widgets.ExplanationWidget(e)
            >>> widget.recall(1)  # shown already
            >>> widget.explanation is e
            True
        """
        entry = self._asked.recall(number)
        if entry is None:
            known = ", ".join(str(one.number) for one in self._asked.past) or "none"
            raise InputError(f"There is no question {number} here; known are {known}.")
        held = entry.answer if entry.held else None
        if held is None:
            if entry.asker is None:
                raise InputError("The answer was let go, and its model cannot be asked; run the cell again.")
            self._start(entry.asker, entry)
            return
        with self._publishing:
            self._leave()
            self._asked.ask(entry.asker, entry)
            self._show(held)
            self._tell(held.status)

    def call(self) -> str:
        """The Python call that gives what is shown; of the paths through the selection, if there is one.

        Raises:
            InputError: nothing is known yet, or the explanation does not say what was asked.

        Example:
            >>> widget = sw.widgets.ExplanationWidget(e)
            >>> widget.selection = {"layer": 3, "head": 2}
            >>> print(widget.call().splitlines()[-2].strip())
            through=[{"layer": 3, "head": 2}],
        """
        if self.result is None:
            raise InputError("Nothing is known yet; ask again when the first layer has arrived.")
        return self.result.call(self.selection)

    def _start(self, asker: Asks, entry: Entry | None = None, *, reuse: bool = True) -> None:
        """Ask on a worker; whatever was on its way is cancelled."""
        run = asker.run(getattr(self._current, "session", None) if reuse else None)
        run = carrying(run, self._asked.grouped(entry))
        with self._publishing:
            self._leave()
            self._asked.ask(asker, entry)
            # Also before anything is known: a view waits for a sign that it was heard.
            shown = self._current
            self._tell(Status("running", 0, 0, "starting") if shown is None else shown.status)
        self._follow(ExplanationJob(run))

    def _leave(self) -> None:
        """Take no more news of the job, and say of what is shown that it stays as it is."""
        self.cancel()
        self._job = None
        if self._current is not None and self._current.status.state == "running":
            message = "cancelled, as another question was asked"
            status = replace(self._current.status, state="cancelled", message=message)
            self._current = replace(self._current, status=status)
            self._asked.show(self._current)

    def _take(self, latest: Explanation | None, status: Status) -> None:
        waiting = self._asked.status is not None and self._current is not None
        # The old answer stays until the new one says something.
        if waiting and (latest is None or not (latest.sentences or status.state == "done")):
            self._asked.status = status
            status = self._current.status if self._current is not None else status
        else:
            self._show(latest)
            if latest is None:
                self._asked.status = status
        self._tell(status)

    def _show(self, latest: Explanation | None) -> None:
        """The latest question is the one that is shown; what was selected stays where it still is there."""
        before, self._current = self._current, latest
        self._asked.show(latest)
        if before is not None and latest is not None and before.streams != latest.streams:
            self.selection = []

    def _past_sessions(self) -> list[object]:
        past = [entry.answer for entry in self._asked.past if entry.answer is not self._current]
        return [getattr(answer, "session", None) for answer in past]

    def _encode(self, status: Status, revision: int) -> messages.Message:
        summary = super()._encode(status, revision)
        inquiry = self._asked.inquiry()
        return summary if inquiry is None else messages.inquiring(summary, inquiry)

    def _receive(self, widget: Any, request: Any, buffers: Any) -> None:
        kind = request.get("type") if isinstance(request, dict) else None
        if kind not in (AskRequest.type, RecallRequest.type):
            super()._receive(widget, request, buffers)
            return
        if "id" in request and request in self._heard:
            # A view that knows nothing of it yet sends its question again.
            self._say_again()
            return
        self._heard.append(request)
        try:
            asked = request_of(request)
            if isinstance(asked, AskRequest):
                self.ask(**{one.name: argument_of_words(one.name, one.words) for one in asked.changes})
            elif isinstance(asked, RecallRequest):
                self.recall(asked.number)
        except Exception as error:  # noqa: BLE001  (whatever went wrong is this question's answer)
            self._refuse(sentence_of(error))

    def _refuse(self, sentence: str) -> None:
        """What is wrong with a question that was not even started."""
        with self._publishing:
            self._leave()
            self._asked.attempts += 1
            self._asked.status = Status("failed", 0, 0, sentence)
            shown = self._current
            self._tell(self._asked.status if shown is None else shown.status)

    def _answer(self, request: Request, check: Callable[[], None]) -> messages.Message:
        result = self.result
        if result is None:
            raise InputError("Nothing is known yet; ask again when the first layer has arrived.")
        return answer(result, request, check)
