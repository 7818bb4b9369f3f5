"""A new kind of result shows itself before anybody has drawn it: as text, on a terminal, as a picture."""

import base64
import io
from dataclasses import dataclass, replace

import pytest
import xarray as xr
from rich.console import Console

from semiring_widgets.errors import InputError
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results import Result, Score, Status, Stream
from semiring_widgets.terminal import show


@dataclass(frozen=True, eq=False)
class Corpus(Result):
    """A kind that nothing here knows."""

    kind = "corpus"

    text: str
    model: str
    score: Score
    streams: tuple[Stream, ...]
    dataset: xr.Dataset
    status: Status


@pytest.fixture
def corpus(make_explanation):
    known = make_explanation(("The", "keys"))
    status = Status("cancelled", 1, 2, "after 1 of 2 texts")
    return Corpus(known.text, known.model, known.score, known.streams, xr.Dataset(), status)


def test_in_words(corpus):
    said = plain(corpus)
    assert said.splitlines() == [f"{corpus.score.label} = 3.25", "The keys", "cancelled: after 1 of 2 texts"]
    screen = io.StringIO()
    show(corpus, Console(file=screen))
    assert screen.getvalue().rstrip().splitlines() == said.splitlines()


def test_in_a_notebook(corpus):
    forms = corpus._repr_mimebundle_()
    assert base64.b64decode(forms["image/png"]).startswith(b"\x89PNG")
    assert forms["text/plain"] == plain(corpus)
    later = replace(corpus, status=Status())._repr_mimebundle_()
    assert later["image/png"] != forms["image/png"]


def test_what_has_no_widget_says_so(corpus):
    with pytest.raises(InputError, match="A Corpus has no widget"):
        corpus._display_()
