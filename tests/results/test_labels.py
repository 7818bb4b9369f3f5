"""Tokens that have no shape of their own are labels on every face, also in results made by hand."""

import io

import pytest
from rich.console import Console

from semiring_widgets import terminal
from semiring_widgets.contract import messages
from semiring_widgets.pictures.plain_text import plain

WORDS = ("keys", "\n\n\n", " ", "", "\u200b", "\u202eabc", "\u0301", "كتاب", "👩\u200d👧", "\t世界")
LABELS = ("keys", "⏎⏎⏎", "␣", "⟨empty⟩", "⟨U+200B⟩", "⟨U+202E⟩abc", "◌\u0301", "كتاب", "👩\u200d👧", "⇥世界")


def test_messages(make_explanation):
    header, _ = messages.encode(make_explanation(WORDS), 1)
    assert [token["text"] for token in header["streams"][0]["tokens"]] == [*LABELS]


def test_plain_text(make_explanation):
    assert " ".join(LABELS) in plain(make_explanation(WORDS)).splitlines()


@pytest.mark.parametrize("label", LABELS)
def test_the_terminal(make_explanation, label):
    written = io.StringIO()
    terminal.show(make_explanation(WORDS), Console(file=written, width=200))
    assert any(line.startswith(f"{label} ") for line in written.getvalue().splitlines())
