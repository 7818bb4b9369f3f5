"""What all results have in common: what was asked, how far it is, and the ways out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.results import storage
from semiring_widgets.results.exits import exits
from semiring_widgets.results.parts import Score, Status, Stream, Token

__all__ = ["ELSEWHERE", "Result", "Shown", "arrays_of", "facts_of"]

# Fields that are saved as arrays, or not at all.
ELSEWHERE: Final = ("dataset", "session")
# Fields that files have where there is something to say.
_LATER: Final = (
    *("paths", "reference", "sentences", "correlations", "tests", "arguments", "likeliest"),
    "groups",
)
R = TypeVar("R", bound="Shown")


class Shown:
    """What can be shown and saved: one table of numbers, and facts beside it. The base of frozen dataclasses.

    Attributes:
        kind: what a file and a message call it.
        dataset: the numbers.
    """

    kind: ClassVar[str]

    dataset: xr.Dataset

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained interactive page that needs no kernel and no network.

        Args:
            path: destination; an existing file is replaced.

        Returns:
            The path written.

        Raises:
            InputError: the page cannot be written there.

        Example:
            >>> c.to_html("methods.html").name
            'methods.html'
        """
        return exits().write_page(self, path, chart=True, answers=None)

    def to_svg(self, path: str | os.PathLike[str]) -> Path:
        """Write the static picture as SVG, whose letters are text, with a line that cites what was asked.

        Args:
            path: destination; an existing file is replaced.

        Returns:
            The path written.

        Raises:
            InputError: the picture cannot be written there.

        Example:
            >>> e.to_svg("keys.svg").name
            'keys.svg'
        """
        return exits().write_picture(self, path, form="svg")

    def to_png(self, path: str | os.PathLike[str], *, scale: float = 2.0) -> Path:
        """Write the static picture as PNG, with a line that cites what was asked.

        Args:
            path: destination; an existing file is replaced.
            scale: how fine it is: 1 for about 1080 pixels of width, which screens show, 2 for print.

        Returns:
            The path written.

        Raises:
            InputError: the picture cannot be written there, or ``scale`` is not between 0.1 and 10.

        Example:
            >>> e.to_png("keys.png", scale=1).name
            'keys.png'
        """
        return exits().write_picture(self, path, form="png", scale=scale)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file that `load` reads back exactly (all but a live session).

        The file is a plain zip of arrays and one JSON document, sealed by its SHA-256, see
        `semiring_widgets.results.archive`; `numpy.load` opens it, too. JupyterLab opens files whose name ends
        in ``.nc`` by double click, as the view.

        Args:
            path: of the file; what was there before is replaced.

        Raises:
            InputError: it cannot be written there; what was there before is kept.

        Example:
            >>> c.save("methods.npz")
            >>> type(c).load("methods.npz").methods == c.methods
            True
        """
        storage.write(path, self.kind, facts_of(self), arrays_of(self), self._from_file)

    @classmethod
    def load(cls: type[R], path: str | os.PathLike[str]) -> R:
        """Read a result that `save` wrote.

        Args:
            path: of the file.

        Raises:
            InputError: no such file, changed since it was written, or not a result of this kind, of a version
                that this installation reads.

        Example:
            >>> e.save("keys.npz")
            >>> sw.load("keys.npz").score.label
            'logit(are) - logit(is) at [MASK]'
        """
        return storage.read(path, cls.kind, cls._from_file)

    @classmethod
    def _from_file(cls: type[R], header: dict[str, Any], arrays: dict[str, NDArray[np.float32]]) -> R:
        """The result that a file holds; an `InputError` here is the end of a sentence about the file."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return exits().mimebundle(self, include=include, exclude=exclude)

    def _display_(self) -> Any:
        """What marimo shows: the widget."""
        return exits().widget_of(self)


class Result(Shown):
    """The base of `Explanation` and `Comparison`, which are frozen dataclasses.

    Attributes:
        text: the text as given; of a pair, both with a line break between.
        model: name of the model's class.
        score: the scalar that it is about.
        streams: the tokens; one stream, or encoder and decoder.
        status: how far it is; numbers not known yet are NaN.
        paths: which paths alone the numbers are about, in words; empty where it is all of them.
    """

    text: str
    model: str
    score: Score
    streams: tuple[Stream, ...]
    status: Status
    paths: str = ""

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of the first stream, which the numbers per token belong to."""
        return self.streams[0].tokens


def facts_of(result: Any) -> dict[str, Any]:
    """All fields of a result that are neither numbers on axes nor alive, as JSON types."""
    kept = (field.name for field in fields(result) if field.name not in ELSEWHERE)
    found = {name: _json(getattr(result, name)) for name in kept}
    # Versions that do not know of these refuse what they cannot show, and read everything else.
    return {name: value for name, value in found.items() if name not in _LATER or value}


def arrays_of(result: Shown) -> dict[str, Any]:
    """The numbers of a result, by the name of the variable."""
    return {str(name): variable.values for name, variable in result.dataset.data_vars.items()}


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_json(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
