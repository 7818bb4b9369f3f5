"""Two explanations on the same axes: A, B and A - B for everything that both know.

Tokens stand on *places*: a token of A, a token of B, or one of each that stand for each other. What one side
does not have is NaN there, and so is its difference. Layers, heads and streams are the same on both sides.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.checks import whole_number
from semiring_widgets.results import storage
from semiring_widgets.results.consistency import require
from semiring_widgets.results.exits import exits
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.facts import value_of
from semiring_widgets.results.parts import Score, Sentence, Statistic, Status, Stream, Token
from semiring_widgets.results.result import Result, arrays_of, facts_of
from semiring_widgets.results.two_sides_tables import aligned_dataset, parts_frame
from semiring_widgets.results.visible import token_label

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pandas as pd

__all__ = ["Place", "SideBySide"]

# Token of A and token of B; -1 where that side has none.
Place = tuple[int, int]
_SIDES: Final = ("first", "second")


@dataclass(frozen=True, eq=False, repr=False)
class SideBySide(Result):
    """Two explanations, part by part: A, B and A - B; made by `semiring_widgets.beside`.

    Attributes:
        first: A.
        second: B.
        names: what the sides are called on screen.
        places: for each stream, which token of A and which of B stand at each place; -1 where a side has
            none.
        sentences: what the two differ in, and where most; their parts count tokens by place.

    Example:
        >>> import semiring_widgets as sw
        >>> model, tokenizer = sw.load_demo()
        >>> e = sw.explain(model, tokenizer, "The keys to the cabinet [MASK] on the table.", "are", "is")
        >>> one = sw.explain(model, tokenizer, "The key to the cabinet [MASK] on the table.", "are", "is")
        >>> sides = sw.beside(e, one)
        >>> sides
        SideBySide(A keys: 8.045, B key: -7.939; 12 places, 4 layers)
        >>> [token.text for token in sides.tokens][:4]
        ['[CLS]', 'The', 'keys / key', 'to']
    """

    kind: ClassVar[str] = "beside"

    first: Explanation
    second: Explanation
    names: tuple[str, str]
    places: tuple[tuple[Place, ...], ...]
    sentences: tuple[Sentence, ...] = ()

    @property
    def text(self) -> str:  # type: ignore[override]  # of the base it is a field
        """Both texts, with a line break between; one where they are the same."""
        return "\n".join(dict.fromkeys((self.first.text, self.second.text)))

    @property
    def model(self) -> str:  # type: ignore[override]
        """The class of the model, or both."""
        return " / ".join(dict.fromkeys((self.first.model, self.second.model)))

    @property
    def score(self) -> Score:  # type: ignore[override]
        """What is asked of both, or of each; its value is the score of A minus that of B."""
        a, b = self.first.score, self.second.score
        same = a.label == b.label
        return Score(
            label=f"{a.label}, A - B" if same else f"{a.label} (A) - {b.label} (B)",
            value=a.value - b.value,
            target=a.target if a.target == b.target else None,
            contrast=a.contrast if a.contrast == b.contrast else None,
            position=None,
        )

    @property
    def status(self) -> Status:  # type: ignore[override]
        """That of A, unless only B is not done."""
        return self.second.status if self.first.status.state == "done" else self.first.status

    @property
    def paths(self) -> str:  # type: ignore[override]
        """Which paths alone the numbers are about, where both say the same."""
        return self.first.paths if self.first.paths == self.second.paths else ""

    @cached_property
    def streams(self) -> tuple[Stream, ...]:  # type: ignore[override]
        """The places as tokens: ``keys / key`` where another word stands on the other side."""
        return tuple(
            Stream(a.name, tuple(_joined(a, b, index, place) for index, place in enumerate(places)))
            for a, b, places in zip(self.first.streams, self.second.streams, self.places, strict=True)
        )

    @cached_property
    def dataset(self) -> xr.Dataset:  # type: ignore[override]
        """The numbers, with an axis ``side`` (A, B, A - B) in front, and tokens by place."""
        return aligned_dataset(self.first, self.second, self.places)

    @cached_property
    def words(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """For each stream, what stands at each place in A and in B; empty where that side has nothing."""
        return tuple(
            tuple(
                (token_label(a.tokens[i]) if i >= 0 else "", token_label(b.tokens[j]) if j >= 0 else "")
                for i, j in row
            )
            for a, b, row in zip(self.first.streams, self.second.streams, self.places, strict=True)
        )

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """Those that both were asked for."""
        names = [statistic.name for statistic in self.second.statistics]
        return tuple(statistic for statistic in self.first.statistics if statistic.name in names)

    @property
    def sides(self) -> tuple[Explanation, Explanation]:
        """A and B."""
        return self.first, self.second

    def to_xarray(self) -> xr.Dataset:
        """The numbers with labelled axes: sides, the tokens of both, layers.

        Returns:
            A new dataset. Variables are those of `Explanation.to_xarray` that both have, but for the maps of
            heads, with an axis ``side`` in front.

        Example:
            >>> table = sides.to_xarray()
            >>> table.head_effect.sel(side="A - B").dims
            ('layer', 'head')
            >>> str(table.token_text.sel(side="B").values[2])
            'key'
        """
        size = self.dataset.sizes["token"]
        texts = [(*both, token_label(one)) for both, one in zip(self.words[0], self.tokens, strict=True)]
        texts += [("", "", "")] * (size - len(texts))
        return self.dataset.assign_coords(
            token=np.arange(size),
            token_text=(("side", "token"), [list(row) for row in zip(*texts, strict=True)]),
            layer=np.arange(self.dataset.sizes["layer"]),
            layer_name=("layer", [layer.name for layer in self.first.layers]),
        ).assign_attrs(
            text_a=self.first.text,
            text_b=self.second.text,
            model=self.model,
            score_a=self.first.score.label,
            score_b=self.second.score.label,
            score_value_a=self.first.score.value,
            score_value_b=self.second.score.value,
        )

    def to_pandas(self, statistic: str | None = None) -> pd.DataFrame:
        """One row per part and statistic: its numbers in A and in B, and their difference.

        Parts are words, heads, MLPs, and the words at each layer; what one side does not have is NaN.

        Args:
            statistic: one of them alone, for example ``"effect"`` or ``"mass_share"``; None for all.

        Returns:
            Columns ``kind`` (token, head, mlp, node, branch), ``layer``, ``head``, ``token`` (its place),
            ``branch`` (by which way, where a number is of one), ``text_a``, ``text_b``, ``statistic``, ``a``,
            ``b`` and ``difference``.

        Raises:
            InputError: no such statistic.

        Example:
            >>> effects = sides.to_pandas("effect")
            >>> effects[effects.kind == "token"].set_index("text_a").difference.idxmax()
            'keys'
        """
        return parts_frame(self.dataset, self.streams, self.first.layers, self.words, statistic)

    def to_html(self, path: str | os.PathLike[str], *, answers: int | None = None) -> Path:
        """Write one self-contained interactive page that needs no kernel and no network.

        Args:
            path: destination; an existing file is replaced.
            answers: how many words, heads, layers and cells can be clicked in it, those that differ most
                first; None for as many as take a few seconds, which are all of a small model.

        Returns:
            The path written.

        Raises:
            InputError: the page cannot be written there, or ``answers`` is no number of answers.

        Example:
            >>> sides.to_html("sides.html", answers=2).name
            'sides.html'
        """
        if answers is not None:
            answers = whole_number(answers, "answers", least=0)
        live = (side if side.live else replace(side, session=None) for side in self.sides)
        first, second = live
        known = replace(self, first=first, second=second)
        return exits().write_page(known, path, chart=False, answers=answers)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file that `load` reads back exactly (all but live sessions), as `Explanation.save` does.

        Args:
            path: of the file; what was there before is replaced.

        Raises:
            InputError: it cannot be written there; what was there before is kept.

        Example:
            >>> sides.save("sides.npz")
            >>> type(sides).load("sides.npz").places == sides.places
            True
        """
        header = {
            "names": list(self.names),
            "places": [[list(place) for place in row] for row in self.places],
            "sentences": [asdict(sentence) for sentence in self.sentences],
            **{name: facts_of(side) for name, side in zip(_SIDES, self.sides, strict=True)},
        }
        arrays = {
            f"{name}__{variable}": values
            for name, side in zip(_SIDES, self.sides, strict=True)
            for variable, values in arrays_of(side).items()
        }
        storage.write(path, self.kind, header, arrays, self._from_file)

    @classmethod
    def _from_file(cls, header: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> SideBySide:
        require(
            {"names", "places", "sentences", *_SIDES} == set(header), "it is not made of two explanations"
        )
        sides = [
            Explanation._from_file(
                header[name],
                {
                    key.removeprefix(f"{name}__"): values
                    for key, values in arrays.items()
                    if key.startswith(f"{name}__")
                },
            )
            for name in _SIDES
        ]
        names = value_of(tuple[str, ...], header["names"], "it.names")
        places = value_of(tuple[tuple[tuple[int, ...], ...], ...], header["places"], "it.places")
        _check(sides[0], sides[1], names, places)
        return cls(
            sides[0],
            sides[1],
            (names[0], names[1]),
            tuple(tuple((a, b) for a, b in row) for row in places),
            value_of(tuple[Sentence, ...], header["sentences"], "it.sentences"),
        )

    def __repr__(self) -> str:
        a, b = (side.score.value for side in self.sides)
        return (
            f"SideBySide(A {self.names[0]}: {a:.4g}, B {self.names[1]}: {b:.4g}; "
            f"{len(self.places[0])} places, {len(self.first.layers)} layers)"
        )


def _joined(a: Stream, b: Stream, index: int, place: Place) -> Token:
    """What stands at a place, as one token."""
    i, j = place
    tokens = ([a.tokens[i]] if i >= 0 else []) + ([b.tokens[j]] if j >= 0 else [])
    text = " / ".join(dict.fromkeys(token_label(token) for token in tokens))
    # Offsets point into one text only, so there are none.
    return Token(index, text, text, tokens[0].id, 0, 0, all(token.special for token in tokens))


def _check(a: Explanation, b: Explanation, names: Any, places: Any) -> None:
    """Refuse what a file says of places that are not there."""
    require(len(names) == 2, "it names other than two sides")
    require(len(places) == len(a.streams) == len(b.streams), "the sides have other streams")
    require([layer.heads for layer in a.layers] == [layer.heads for layer in b.layers], "other heads")
    for number, row in enumerate(places):
        require(all(len(place) == 2 for place in row), "a place has other than two sides")
        for side, one in enumerate((a, b)):
            there = [place[side] for place in row if place[side] >= 0]
            require(there == list(range(len(one.streams[number].tokens))), "a token has no place of its own")
