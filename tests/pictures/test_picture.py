"""The static picture: any text, any number of tokens, any state of knowledge."""

import io
from dataclasses import replace
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from semiring_widgets.pictures.card import _explanation, picture
from semiring_widgets.pictures.chart import COLOURS
from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.pictures.ribbon import arrange, tint
from semiring_widgets.results.parts import Layer, Stream, Token
from semiring_widgets.results.rankings import ListedStep


def pixels(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("count", [1, 5, 60, pytest.param(500, marks=pytest.mark.slow)])
def test_any_number_of_tokens(make_explanation, count):
    result = make_explanation([f"word{i}" for i in range(count)], layers=4, maps=False)
    drawn = pixels(picture(result))
    assert drawn.shape[1] == 1080
    assert drawn.shape[0] < 2600
    assert (drawn[:5, :5] == 255).all()  # a white card, whatever surrounds it
    assert len(picture(result)) < 400_000


def test_what_is_not_known_is_grey_and_no_route_is_drawn(make_explanation):
    def coloured(result):
        drawn = pixels(picture(result)).astype(int)
        return (np.ptp(drawn, axis=2) > 60).sum()

    assert coloured(make_explanation(known=False)) == 0
    assert coloured(make_explanation()) > 1000


def test_lines_have_the_colours_of_the_branches_and_a_negative_route_is_dashed(make_explanation):
    result = make_explanation()
    asked = len(result.tokens) - 1

    def green(branch, sign):
        steps = (ListedStep(0, branch, 1, 2, asked),)
        ranking = replace(result.rankings[0], routes=(replace(result.routes[0], sign=sign, steps=steps),))
        drawn = pixels(picture(replace(result, rankings=(ranking,)))).astype(int)
        value = [int(COLOURS["value"][i : i + 2], 16) for i in (1, 3, 5)]
        return ((abs(drawn - value) < 40).all(axis=2)).sum()

    legend = green("key", 1)
    solid, dashed = green("value", 1) - legend, green("value", -1) - legend
    assert solid > 500
    assert 0.5 * solid < dashed < 0.9 * solid


def test_texts_that_fonts_and_matplotlib_trip_over(make_explanation):
    words = ("日本", "😀", "a$b$", "$\\frac{", "x\n", "<b>", "\u202eabc", "\x00", "", "%&_{}")
    picture(make_explanation(words))  # warnings are errors here


def test_encoder_and_decoder(make_explanation):
    def stream(name, count):
        return Stream(name, tuple(Token(i, f"{name}{i}", "", i, 0, 0, False) for i in range(count)))

    result = replace(
        make_explanation(),
        streams=(stream("encoder", 9), stream("decoder", 4)),
        layers=(Layer("e", 0, 0, 0, 2), Layer("d", 1, 1, 1, 2), Layer("x", 2, 1, 0, 2)),
    )
    assert pixels(picture(result)).shape[1] == 1080


def test_a_comparison_with_a_failed_method(make_comparison):
    assert pixels(picture(make_comparison())).shape[1] == 1080


def test_the_users_style_is_left_alone_and_not_used(make_explanation):
    result = make_explanation()
    plain = picture(result)
    with mpl.rc_context({"axes.grid": True, "text.color": "red", "font.size": 30, "axes.facecolor": "k"}):
        assert picture(result) == plain
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("count", [5, 12, 60])
def test_long_labels_end_above_the_notes(make_explanation, count):
    words = [f"{'⟨U+200B⟩' * 3}{'straightforwardness' * 2}{i}" for i in range(count)]
    figure = _explanation(make_explanation(words, layers=2, maps=False))
    figure.canvas.draw()
    page, grid = figure.axes[:2]
    notes = [text for text in page.texts if text.get_text().startswith(("lines:", "log mass"))]
    highest = max(text.get_window_extent().y1 for text in notes)
    labels = [tick.label1.get_window_extent() for tick in grid.xaxis.get_major_ticks()]
    assert min(box.y0 for box in labels) > highest
    if not grid.get_xticklabels()[0].get_rotation():
        assert all(left.x1 < right.x0 for left, right in pairwise(labels))


def test_without_a_layout_engine_right_to_left_is_turned_round(monkeypatch):
    monkeypatch.setattr("semiring_widgets.pictures.glyphs._ORDERS", False)
    assert drawable("is שלום -> x") == "is םולש -> x"


def test_drawable_keeps_to_one_line_and_shortens():
    assert drawable("👩\u200d👧") in {"□", "👩\u200d👧"}  # no half of a family
    assert drawable("❤\ufe0f") == "❤"
    assert drawable("e\u0301" * 30, 10) == "e\u0301" * 6 + "…" + "e\u0301" * 3
    assert drawable("a\tb\nc") == "a⇥b⏎c"
    assert drawable("日\x07") in {"□□", "日□"}
    assert drawable("abcdefghijklmnopqrstuvwxyz", 10) == "abcdef…xyz"


def test_pieces_of_a_word_stand_together_and_lines_break():
    tokens = [
        Token(0, "un", "un", 0, 0, 2, False),
        Token(1, "known", "##known", 1, 2, 7, False),
        Token(2, "word", "word", 2, 8, 12, False),
    ]
    labels, lines = arrange(tokens, 9.0, lambda text: 0.1 * len(text))
    gaps = [b.x - a.x - a.width for a, b in pairwise(labels)]
    assert lines == 1
    assert gaps[0] < gaps[1]
    labels, lines = arrange(tokens, 0.7, lambda text: 0.1 * len(text))
    assert [label.line for label in labels] == [0, 1, 2]
    assert lines == 3


def test_text_on_a_tint_can_be_read():
    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    for value in (*np.linspace(0, 1, 21), float("nan")):
        light, dark = sorted((luminance(colour) for colour in tint(value)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, value
