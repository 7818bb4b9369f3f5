"""One piece of a continuation alone: the row of the table that it is, asked as a question of its own."""

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets.errors import CancelledError, InputError
from semiring_widgets.explanation import explain_run
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from tests.explanation.test_continuations import CONTRAST, MODELS, TARGET, TEXT, explained, made  # noqa: F401


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("piece", [0, 2])
def test_a_piece_alone_is_its_row_of_the_table(made, explained, name, piece):  # noqa: F811
    whole = explained(name, target=TARGET, reference="zero")
    alone = explained(name, target=TARGET, reference="zero", piece=piece)
    rows = whole.by_token().query("piece == @piece")
    assert alone.score.value == pytest.approx(rows["log_probability"].iloc[0], abs=1e-5)
    assert (alone.score.target, alone.score.unit) == (rows["piece_text"].iloc[0], "nats")
    own = alone.by_token()
    assert own["text"].tolist() == rows["text"].tolist()
    for what in ("effect", "contribution"):
        np.testing.assert_allclose(own[what], rows[what], rtol=1e-3, atol=1e-5)


def test_it_says_after_what_and_how_to_ask_it_again(made, explained):  # noqa: F811
    e = explained("GPT-2", target=TARGET, piece=2)
    assert e.score.label == "log p(the) after on"
    model, tokenizer = made("GPT-2")  # the call names them
    assert "piece=2" in e.call()
    assert eval(e.call(), {"sw": sw, "model": model, "tokenizer": tokenizer}).score == e.score


def test_the_models_own_words_and_one_word_have_pieces_too(made):  # noqa: F811
    model, tokenizer = made("GPT-2")
    said = prepare(model, tokenizer, Question(TEXT, generate=3)).call.source.answer
    last = prepare(model, tokenizer, Question(TEXT, generate=3, piece=len(said) - 1))
    assert last.call.source.answer == said
    word = prepare(model, tokenizer, Question(TEXT, "are", piece=0))
    assert (
        word.score.value
        == prepare(model, tokenizer, Question(TEXT, [word.call.source.answer[0]])).score.value
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"target": TARGET, "piece": 4}, "piece is 4, and the continuation has 4 pieces"),
        ({"target": TARGET, "piece": "on"}, "piece is 'on'; give the number of a piece"),
        ({"target": TARGET, "contrast": CONTRAST, "piece": 1}, "leave one of them out"),
        ({"piece": 0}, "piece= was and no target was given"),
    ],
)
def test_what_is_no_piece_is_refused(made, asked, words):  # noqa: F811
    with pytest.raises(InputError, match=words):
        sw.explain(*made("GPT-2"), TEXT, **asked)


def test_pieces_come_last_and_those_told_stay_when_it_is_cancelled(made):  # noqa: F811
    seen = []

    def check():
        table = seen[-1].by_token() if seen else None
        if table is not None and table.groupby("piece")["contribution"].count().gt(0).sum() == 2:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        explain_run(*made("GPT-2"), TEXT, TARGET, rankings=("contribution",))(seen.append, check)
    first = next(one for one in seen if "piece_effect" in one.dataset)
    assert first.rankings
    assert first.live
    rows = seen[-1].by_token().groupby("piece")["contribution"].count()
    assert rows.tolist() == [2, 3, 0, 0]
    assert np.isfinite(seen[-1].by_token()["effect"]).all()
