"""A corpus to look through: distributions, heads and layers, flow, and every text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets as t

from semiring_widgets.contract import messages
from semiring_widgets.contract.answers import answer
from semiring_widgets.contract.bundle import read_bundle
from semiring_widgets.contract.corpus_messages import answer_about_corpus, corpus_summary
from semiring_widgets.contract.corpus_table import CORPUS_REQUESTS, ExplainedAnswer, ExplainTextRequest
from semiring_widgets.contract.requests import request_of
from semiring_widgets.contract.table import REQUESTS
from semiring_widgets.errors import InputError
from semiring_widgets.overview.numbers import CorpusNumbers
from semiring_widgets.overview.one_text import question_of
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.widgets.asked_widget import AskedWidget
from semiring_widgets.widgets.corpus_mime import with_corpus
from semiring_widgets.widgets.desk import Desk, Request

__all__ = ["CorpusWidget"]


class CorpusWidget(AskedWidget):
    """Shows a corpus; with a model it explains the text that is clicked.

    Args:
        numbers: of the corpus.
        model: the model of the run, or None.
        tokenizer: its tokenizer.

    Attributes:
        summary: the JSON header of what is shown first (read only).
        summary_buffer: its columns (read only).
        theme: ``"auto"`` (follow the notebook), ``"light"`` or ``"dark"``.
    """

    _esm = t.Unicode().tag(sync=True)
    summary = t.Dict().tag(sync=True)
    summary_buffer = t.Bytes().tag(sync=True)
    theme = t.Enum(["auto", "light", "dark"], default_value="auto").tag(sync=True)

    def __init__(self, numbers: CorpusNumbers, model: Any = None, tokenizer: Any = None) -> None:
        if (model is None) != (tokenizer is None):
            raise InputError("To explain a text, give both, the model and its tokenizer.")
        self.numbers = numbers
        self._pair = None if model is None else (model, tokenizer)
        self._explained: Explanation | None = None
        header, buffer = corpus_summary(numbers, explains=model is not None)
        super().__init__(summary=header, summary_buffer=buffer)
        self._desk = Desk(self._answer, self._reply)
        self.on_msg(self._receive)

    @t.default("_esm")
    def _default_esm(self) -> str:
        return read_bundle()

    @property
    def explained(self) -> Explanation | None:
        """The explanation of the text that was clicked last."""
        return self._explained

    def close(self) -> None:
        """Stop what is being answered, and remove the widget."""
        if hasattr(self, "_desk"):  # ipywidgets closes widgets also when their construction failed
            self._desk.clear()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_corpus(super()._repr_mimebundle_(**kwargs), self.numbers)

    def _requested(self, request: Request) -> None:
        # What the view of an explanation tells its own widget needs no answer here.
        if request.get("type") in {
            *CORPUS_REQUESTS,
            *(name for name, kind in REQUESTS.items() if not kind.at_once),
        }:
            self._desk.put(request)

    def _answer(self, request: Request, check: Callable[[], None]) -> messages.Message:
        if request.get("of") == "text":
            if self._explained is None:
                raise InputError("No text is explained yet; click on one.")
            return answer(self._explained, request, check)
        asked = request_of(request)
        if isinstance(asked, ExplainTextRequest):
            return self._explain(asked, check)
        return answer_about_corpus(self.numbers, asked)

    def _explain(self, asked: ExplainTextRequest, check: Callable[[], None]) -> messages.Message:
        from semiring_widgets.explanation import explain_run  # loads torch

        if self._pair is None:
            raise InputError(
                "There is no model here: corpus.view(model, tokenizer) explains what is clicked."
            )
        text, more = question_of(self.numbers, asked.row)
        found: Explanation = explain_run(*self._pair, text, **more)(lambda snapshot: None, check)
        self._explained = found
        header, buffer = messages.encode(found, 1)
        return messages.message(ExplainedAnswer(id=asked.id, row=asked.row, summary=header), buffer)
