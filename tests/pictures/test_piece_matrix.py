"""The table of a continuation shows itself: in a terminal, in a notebook, and in the static picture."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.continued import CONTRAST, PIECES, TEXT, continued


@pytest.fixture
def table(make_explanation):
    return continued(make_explanation).by_token()


def test_the_matrix_has_what_was_tested_else_what_was_estimated(make_explanation):
    e = continued(make_explanation)
    e.dataset["piece_effect"].values[0, 1] = np.nan
    matrix = e.by_token().matrix()
    assert matrix.index.tolist() == [("target", n) for n in range(4)] + [("contrast", n) for n in range(2)]
    assert matrix.loc[("target", 0), (0, 1)] == e.dataset["piece_contribution"].values[0, 1]
    assert matrix.loc[("contrast", 1), (0, 2)] == e.dataset["piece_effect"].values[5, 2]
    # What is read only later has no number.
    assert matrix.notna().sum(axis=1).tolist() == [5, 6, 7, 8, 5, 6]


def test_a_terminal_shows_pieces_by_tokens(table):
    with pd.option_context("display.width", 200, "display.max_columns", 20):
        first, *rows = repr(table).splitlines()
    assert first.split()[2:7] == [*TEXT]
    assert [row.split()[0] for row in rows] == [*PIECES, *CONTRAST]
    assert type(table[table["piece"] == 1]) is pd.DataFrame


def test_a_notebook_shows_every_number_and_reads_no_word_as_html(make_explanation):
    html = continued(make_explanation, text=("<b>keys</b>", "to"))
    html = html.by_token()._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;keys" in html
    assert len(re.findall(r"<td style", html)) == 2 + 3 + 4 + 5 + 2 + 3


def test_the_picture_has_the_matrix_of_a_continuation_and_of_nothing_else(make_explanation, tmp_path):
    for made, there in ((continued(make_explanation), True), (make_explanation(), False)):
        made.to_svg(tmp_path / "picture.svg")
        assert ("pieces of the answer" in (tmp_path / "picture.svg").read_text(encoding="utf-8")) is there


def test_without_a_continuation_it_is_an_empty_table(make_explanation):
    table = make_explanation().by_token()
    assert table.empty
    assert repr(table).startswith("Empty")
    assert "<table" in table._repr_html_()
