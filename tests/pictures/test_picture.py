"""The static picture: any text, any number of tokens, any state of knowledge."""

import io
from dataclasses import replace
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from semiring_widgets.pictures.card import picture
from semiring_widgets.pictures.explanation_card import draw_explanation
from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.pictures.palette import INK, ROUTE, shade
from semiring_widgets.pictures.ribbon import arrange, stand_ins
from semiring_widgets.pictures.small_png import small_png
from semiring_widgets.pictures.tints import tints_of
from semiring_widgets.results.parts import Layer, Reference, Stream, Token
from semiring_widgets.results.rankings import Family, ListedStep
from semiring_widgets.results.schema import EFFECTS


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


def texts_of(result):
    """What is written in the picture of a result, from the top down."""
    (page,) = draw_explanation(result).axes
    written = sorted(page.texts, key=lambda text: (-round(text.get_position()[1], 3), text.get_position()[0]))
    return [text.get_text() for text in written if text.get_text()]


def without_effects(result):
    """As a file from before effects were measured holds it."""
    rankings = tuple(replace(ranking, families=()) for ranking in result.rankings)
    dataset = result.dataset.assign({name: result.dataset[name] * np.nan for name in EFFECTS})
    return replace(result, dataset=dataset, rankings=rankings, sentences=(), reference=None)


def test_the_answer_comes_first_and_then_words_cells_heads_and_routes(make_explanation):
    told = " ".join(texts_of(make_explanation()))
    order = [
        *("The model says are rather than is (+3.3 logits).", "keys carries it", "With [MASK] for keys"),
        *("compared with [MASK] in the place of every token (score −0.75)", "Words effect, tested"),
        *("Words × layers effect, tested", "are, not is +3.2", "Heads and MLPs effect, tested"),
        "Routes by contribution",
    ]
    places = [told.find(one) for one in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


@pytest.mark.parametrize("word", ["nats", "log", "granularity", "cancellation", "entropy"])
def test_words_that_a_newcomer_cannot_know_are_not_in_it(make_explanation, word):
    assert not any(word in text.split() for text in texts_of(make_explanation()))


def test_a_word_has_its_effect_below_it_and_the_shade_of_that(make_explanation):
    result = make_explanation()
    result.dataset["token_effect"].values[:] = [0.001, 8, *[-2] * 7]
    tints = tints_of(result)["token"]
    assert [tints.written(place) for place in range(3)] == ["0", "+8.0", "−2.0"]
    assert tints.strength(1) == 1
    assert tints.strength(2) == -0.5
    assert "+8.0" in texts_of(result)


def test_all_places_have_one_scale_with_estimates_where_nothing_was_tested(make_explanation):
    result = make_explanation()
    result.dataset["node_effect"].values[:] = np.nan
    result.dataset["node_contribution"].values[0, 0] = -50
    tints = tints_of(result)
    assert {tint.peak for tint in tints.values()} == {50}
    assert tints["node"].caption == "contribution: estimated, not tested"
    assert tints["head"].caption == "effect, tested"
    assert tints["node"].strength(0, 0) == -1


def test_without_effects_it_says_that_shares_of_paths_are_shown(make_explanation):
    result = without_effects(make_explanation())
    told = texts_of(result)
    assert told[0].startswith("logit(are)")
    assert told.count("share of all paths that run here; effects are not known") == 3
    assert "by best path" in told
    shares = result.dataset["token_mass_share"].values
    assert tints_of(result)["token"].strength(int(shares.argmax())) == 1


def test_scores_of_any_size_are_told_apart(make_explanation):
    result = make_explanation()
    for name in EFFECTS:
        result.dataset[name].values[:] *= 1e-6
    written = {tints_of(result)["token"].written(place) for place in range(9)}
    assert len(written) > 5


def test_a_route_is_a_line_with_the_names_of_its_heads_dashed_where_it_speaks_against(make_explanation):
    result = make_explanation()
    steps = (ListedStep(0, "value", 1, 1, 5), ListedStep(1, "query", 0, 5, 8))

    def green(contribution):
        family = Family("", "*keys* leads.", contribution, 0.5, (), steps)
        ranking = replace(result.ranking("contribution"), families=(family,))
        changed = replace(result, rankings=(ranking,))
        drawn = pixels(picture(changed)).astype(int)
        wanted = [int(ROUTE[i : i + 2], 16) for i in (1, 3, 5)]
        return texts_of(changed), (abs(drawn - wanted) < 30).all(axis=2).sum()

    (told, solid), (_, dashed) = green(2.5), green(-2.5)
    wanted = {"head 0·1", "head 1·0 query", "keys → [MASK] → table", "keys leads.", "+2.5"}
    assert wanted - set(told) == set()
    assert dashed < solid - 300


def test_what_stands_in_the_place_of_a_word_is_below_it(make_explanation):
    result = make_explanation(("The", "keys", "are"))
    other = make_explanation(("The", "key", "of", "are")).streams
    reference = Reference("text", "“The key of are”", -3.0, other, ((0, 1, -1),))
    assert stand_ins(reference, 0, 3) == ["The", "key", ""]
    assert stand_ins(result.reference, 0, 3) == []
    told = texts_of(replace(result, reference=reference))
    assert told.count("key") == 1
    assert "key" not in texts_of(result)


def test_colours_of_areas_are_kept_as_they_are():
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, 256, (183, 160, 3)).astype(np.uint8)  # far more colours than are kept
    for place, strength in enumerate(np.linspace(-1, 1, 41)):
        tint = shade(strength)
        drawn[3 * place : 3 * place + 3] = [int(tint[i : i + 2], 16) for i in (1, 3, 5)]
    kept = pixels(small_png(drawn))
    assert (kept[:123] == drawn[:123]).all()
    noise = generator.integers(0, 256, (60, 60, 3)).astype(np.uint8)
    assert np.abs(pixels(small_png(noise)).astype(int) - noise).mean() < 40


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


@pytest.mark.parametrize("count", [1, 5, 12, 60])
def test_nothing_is_written_beyond_the_card_or_over_something_else(make_explanation, count):
    words = [f"{'⟨U+200B⟩' * 3}{'straightforwardness' * 2}{i}" for i in range(count)]
    figure = draw_explanation(make_explanation(words, layers=2, maps=False))
    figure.canvas.draw()
    (page,) = figure.axes
    # What is steep has a box that is mostly empty.
    written = [text for text in page.texts if text.get_text() and not text.get_rotation()]
    boxes = [(text, text.get_window_extent()) for text in written]
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.x1 <= 1080, text
    steep = [text.get_window_extent() for text in page.texts if text.get_rotation()]
    below = next(box for text, box in boxes if text.get_text() == "Heads and MLPs")
    assert all(box.y0 > below.y1 for box in steep)
    labels = [box for text, box in boxes if text.get_text().startswith("⟨U+2")]
    assert all(not one.overlaps(other) for one, other in pairwise(labels))


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
    needed = [0.2, 0.5, 0.4]
    labels, lines = arrange(tokens, 9.0, needed)
    gaps = [b.x - a.x - a.width for a, b in pairwise(labels)]
    assert lines == 1
    assert gaps[0] < gaps[1]
    labels, lines = arrange(tokens, 0.7, needed)
    assert [label.line for label in labels] == [0, 1, 2]
    assert lines == 3


def test_text_on_a_shade_can_be_read():
    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    for strength in (*np.linspace(-1, 1, 41), float("nan")):
        light, dark = sorted((luminance(colour) for colour in (shade(strength), INK)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, strength
