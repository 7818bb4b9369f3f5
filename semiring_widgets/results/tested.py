"""What an explanation says of effects: the answer, the table, and a test of any claim."""

# ruff: noqa: PT028 (no tests of this package, but methods that users call)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from semiring_widgets.errors import InputError
from semiring_widgets.results.log_of_tests import Test, TestLog, asked_of
from semiring_widgets.results.parts import Layer, Sentence, Stream
from semiring_widgets.results.session import Session

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Tested"]


class Tested:
    """A part of `Explanation`, which has these fields; see there."""

    # pytest takes it for a class of tests.
    __test__ = False

    streams: tuple[Stream, ...]
    layers: tuple[Layer, ...]
    dataset: xr.Dataset
    sentences: tuple[Sentence, ...]
    tests: TestLog
    session: Session | None

    @property
    def answer(self) -> str:
        """The answer in two or three sentences, made of what was measured; empty where nothing was."""
        return " ".join(sentence.text for sentence in self.sentences)

    def effects(self) -> pd.DataFrame:
        """What every part really does to the score, and what is estimated: one row a part.

        A part is given its value under the reference, and all that follows is computed again: ``effect`` is
        the score before minus after. ``contribution`` is its estimate to first order: all paths from the part
        to the score, times what changes there. Both are in the unit of the score; where they differ, the
        score is far from linear in between.

        Returns:
            ``kind`` (``"token"``, ``"head"``, ``"mlp"``, and what else was tested by the reference, such as
            ``"head_at"``: a head at one token that it looks from),
            ``layer``, ``head``, ``token``, ``text``, ``effect``, ``contribution``, and the name of the
            ``stream`` where there are two. What does not apply or is not known is missing.

        Example:
            >>> table = e.effects()
            >>> table.loc[table.effect.nlargest(3).index, ["kind", "layer", "head", "text"]]
                 kind  layer  head  text
            2   token   <NA>  <NA>  keys
            15   head      0     3   NaN
            27   head      3     3   NaN
        """
        from semiring_widgets.results.effect_tables import effects_frame

        return effects_frame(self.dataset, self.streams, self.layers, self.tests)

    def test(self, part: Any, by: Any = None) -> Test:
        """What really becomes of the score without a part or a route: all that follows is computed again.

        The test is noted in ``tests``.

        Args:
            part: a part as in `semiring_widgets.select_paths`, such as ``{"layer": 3, "head": 2}`` or
                ``{"token": 2}``; several or a group, which are replaced together; a route of a ranking or a
                family, whose change is carried along its steps alone; or a test, to be run again.
            by: what is given instead: None or ``"reference"`` for the value under the reference of this
                explanation, ``"zero"``, ``"mean"`` over the tokens, or another text, for the value there.

        Returns:
            A `Test` with ``before``, ``after``, ``effect = before - after`` and ``predicted``, the estimate.

        Raises:
            InputError: the model has no such part, or the recording is gone (after `load` and `release`).
            UnsupportedOpError, TapeError: this model cannot be run again with other numbers.

        Example:
            >>> test = e.test({"layer": 3, "head": 3})
            >>> round(test.before, 1), round(test.after, 1), round(test.effect, 1), round(test.predicted, 1)
            (8.0, 1.5, 6.5, 2.5)
            >>> print(e.test({"token": 2}, by="The key to the cabinet [MASK] on the table.").label)
            keys → key
            >>> print(e.test(e.ranking("contribution").families[0]))
            keys → The → [MASK] (heads 0·3, 3·3): +8.04 → −0.613 (effect +8.66, predicted +0.422)
        """
        parts, steps, before = asked_of(part)
        given = by if by is not None else "reference" if before is None else before.by
        found = self._asked("test").test(parts, steps, given)
        self.tests.add(found)
        return found

    def test_all(self, kind: str = "heads", by: Any = None) -> pd.DataFrame:
        """A test of every part of one kind, as a table with the columns of `effects`.

        Args:
            kind: ``"tokens"``, ``"heads"``, ``"mlps"``, ``"attentions"`` (all heads of a layer together),
                ``"layers"`` (the stream that enters each layer, token by token) or ``"heads_at"`` (each head
                at each token that it looks from).
            by: as in `test`.

        Raises:
            InputError, UnsupportedOpError, TapeError: as `test`.

        Example:
            >>> heads = e.test_all("heads", by="zero")
            >>> heads.loc[heads.effect.abs().idxmax(), ["layer", "head"]].tolist()
            [0, 3]
        """
        from semiring_widgets.results.effect_tables import tests_frame

        found = self._asked("test_all").test_all(kind, "reference" if by is None else by)
        for test in found:
            self.tests.add(test)
        return tests_frame(found, self.streams, self.layers)

    def circuit(self, k: float = 0.05, of: str = "parts", by: Any = "contribution") -> Any:
        """The first parts or edges of a ranking alone: all else is given its value under the reference.

        Args:
            k: which fraction to keep, 0 to 1; rounded down.
            of: ``"parts"`` (tokens, heads, feed-forward parts) or ``"edges"`` between them.
            by: ranked by absolute ``"contribution"``, ``"effect"`` (parts only), or numbers of your own.

        Returns:
            A `semiring_widgets.Circuit` with ``kept``, ``score`` and ``faithfulness``: 1 is the whole model,
            0 the reference.

        Raises:
            InputError, UnsupportedOpError, TapeError: as `test`.

        Example:
            >>> few = e.circuit(k=0.5)
            >>> len(few.kept), few.total, round(few.faithfulness, 2)
            (16, 32, 0.86)
        """
        return self._asked("circuit").circuit(k, of, by)

    def _asked(self, what: str) -> Session:
        if self.session is None:
            raise InputError(
                f"{what} needs the model, and this explanation came without it, from a file: call explain "
                f"again. What was tested is in .tests ({len(self.tests)}) and .effects()."
            )
        return self.session
