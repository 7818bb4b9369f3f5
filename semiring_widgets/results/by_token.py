"""The table of a continuation that shows itself as rows of pieces and columns of tokens."""

from __future__ import annotations

import pandas as pd

from semiring_widgets.results.decimals import Decimals
from semiring_widgets.results.exits import exits

__all__ = ["ByToken"]


class ByToken(pd.DataFrame):
    """A row for every piece and every token before it, see `semiring_widgets.Explanation.by_token`.

    In a notebook and in a terminal it shows effects (contributions where nothing was tested) as a matrix;
    what is selected from it is a plain table, and so is ``pd.DataFrame(table)``.

    Example:
        >>> long = sw.explain(*causal, "The keys to the cabinet", "are on the table")
        >>> print(repr(long.by_token()).splitlines()[1].split()[0])
        are
    """

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def matrix(self) -> pd.DataFrame:
        """Effects, contributions where nothing was tested: pieces by tokens; NaN for what comes later.

        Returns:
            Rows are ``of`` and ``piece``, columns ``stream`` and ``token``, in the order of the text.

        Example:
            >>> long = sw.explain(*causal, "The keys to the cabinet", "are on the table")
            >>> long.by_token().matrix().shape
            (4, 9)
        """
        shown = self["effect"].fillna(self["contribution"])
        whole = pd.DataFrame(self).assign(shown=shown)
        places = ["of", "piece", "stream", "token"]
        found = whole.set_index(places)["shown"].unstack(places[2:]).sort_index(axis="columns")
        # The target first.
        return found.sort_index(ascending=[False, True])

    @property
    def names(self) -> pd.Series:
        """What stands at each ``stream`` and ``token``: of two continuations what each has there."""
        return self.groupby(["stream", "token"])["text"].agg(lambda texts: " / ".join(dict.fromkeys(texts)))

    def _is_whole(self) -> bool:
        """Whether there is a matrix to show: also changed in place it stays of this class."""
        places = ["of", "piece", "stream", "token"]
        there = {*places, "piece_text", "log_probability", "text", "effect", "contribution"} <= {
            *self.columns
        }
        return there and not self.empty and not self.duplicated(places).any()

    def __repr__(self) -> str:
        if not self._is_whole():
            return super().__repr__()
        matrix, names = self.matrix(), self.names
        form = Decimals.of(float(matrix.abs().to_numpy(float, na_value=0.0).max()))
        pieces = self.groupby(["of", "piece"])[["piece_text", "log_probability"]].first()
        table = pd.DataFrame(
            [["" if value != value else form.signed(value) for value in row] for row in matrix.to_numpy()],  # noqa: PLR0124
            index=[
                f"{pieces.piece_text[at]}{' (contrast)' if at[0] == 'contrast' else ''}"
                for at in matrix.index
            ],
            columns=[names[at] for at in matrix.columns],
        )
        table.insert(0, "log p", [f"{pieces.log_probability[at]:.2f}" for at in matrix.index], True)
        return repr(table)

    def _repr_html_(self) -> str | None:
        return exits().pieces_html(self) if self._is_whole() else self.to_html()
