"""The answer in sentences: whatever was measured, each is a sentence that a stranger can read."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from semiring_widgets.explanation.answering import sentences_of
from semiring_widgets.explanation.names import Names
from semiring_widgets.explanation.route_words import in_words
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import Correlation, Part, Reference, Score, Stream
from semiring_widgets.results.rankings import Family, ListedStep, Ranking
from tests.conftest import build_explanation, build_tokens

MASK = Reference("mask", "[MASK] in the place of every token", 0.0)
WORDS = ("The", "keys", "are", "here")
NO_OTHER = "; no other word changes it."
NO_REASON = "There is no single reason for this:"
LABEL = "logit(are) - logit(is) at [MASK]"


def explained(effects, value=8.0, *, words=WORDS, estimates=None, score=(), **facts):
    """An explanation of words that are worth this much, and of heads that are worth nothing."""
    nothing = {"sentences": (), "correlations": (), "rankings": (), "reference": MASK}
    e = build_explanation(words, 2, 2, **{**nothing, **facts})
    for name in ("head_effect", "head_contribution", "mlp_effect", "mlp_contribution"):
        e.dataset[name].values[:] = 0
    e.dataset["token_effect"].values[:] = effects
    e.dataset["token_contribution"].values[:] = effects if estimates is None else estimates
    asked = {"label": LABEL, "target": "are", "contrast": "is", **dict(score)}
    return replace(e, score=Score(value=value, position=min(2, len(words) - 1), **asked))


def told(e, family="masked", untested="", route=None):
    return {s.kind: s.text for s in sentences_of(e, family, untested, route)}


def test_what_is_low_is_not_so_because_of_what_raises_it():
    e = explained([0, 3, 0, 0], -1.3, score={"contrast": None})
    assert told(e)["words"] == "*keys* (+3.0) raises it most" + NO_OTHER


def is_sentence(text):
    assert text[0].isupper() or text[0] == "*", text
    assert text.endswith("."), text
    assert "  " not in text, text
    assert " ." not in text, text
    assert " ," not in text, text
    assert ".." not in text.replace("…", ""), text
    assert not re.search(r"\bnan\b|None|inf\b|\+-|--|-0\.0\b", text), text
    assert text.count("*") % 2 == 0, text
    assert text.count("(") == text.count(")"), text


@pytest.mark.parametrize(
    ("value", "contrast", "family", "sentence"),
    [
        (8.04, "is", "masked", "The model says *are* rather than *is* (+8.0 logits)."),
        (8.04, "is", "causal", "The model says *are* rather than *is* (+8.0 logits)."),
        (-3.21, "is", "encoder-decoder", "The model says *is* rather than *are* (−3.2 logits for *are*)."),
        (0.0, "is", "masked", "The model is undecided between *are* and *is* (0.0 logits)."),
        (-0.01, "is", "masked", "The model is undecided between *are* and *is* (0.0 logits)."),
        (12.3, None, "causal", "The model gives *are* a logit of +12.3."),
        (-2.1, None, "masked", "The model gives *are* a logit of −2.1."),
        (3.0, "is", "classifier", "The model chooses *are* rather than *is* (+3.0 logits)."),
        (3.0, None, "token classifier", "The model gives the class *are* a logit of +3.0."),
    ],
)
def test_what_the_score_is(value, contrast, family, sentence):
    assert told(explained([0, 9, 0, 0], value, score={"contrast": contrast}), family)["score"] == sentence


@pytest.mark.parametrize(("label", "sentence"), [
    ("score", "The score is +3.2."), ("mine", "The score *mine* is +3.2."), ("*", "The score *∗* is +3.2."),
])  # fmt: skip
def test_what_a_score_of_ones_own_is(label, sentence):
    e = explained([0, 1, 0, 0], 3.21, score={"contrast": None, "target": None, "label": label})
    found = told(e, "own")
    assert found["score"] == sentence
    assert found["words"] == "This is mostly because of *keys* (+1.0); no other word changes it."


@pytest.mark.parametrize(
    ("effects", "value", "sentence"),
    [
        (
            [0.04, 9, 0, 0],
            8,
            "This is mostly because of *keys* (+9.0); no other word is worth more than 0.1.",
        ),
        ([1e-5, 9, 0, 0], 8, "This is mostly because of *keys* (+9.0); no other word matters."),
        ([0, 9, 1e-7, 0], 8, "This is mostly because of *keys* (+9.0)" + "; no other word matters."),
        ([5, 9, 0, 0], 8, "This is mostly because of *keys* (+9.0) and *The* (+5.0)" + NO_OTHER),
        ([-5, 9, 0, 0], 8, "This is mostly because of *keys* (+9.0), in spite of *The* (−5.0)" + NO_OTHER),
        ([0, -9, 1, 0], 8, "This is in spite of *keys* (−9.0); *are* (+1.0) speaks for it."),
        ([0, -9, 0, 0], 8, "This is in spite of *keys* (−9.0), and no word speaks for it alone."),
        ([0, -9, 0, 0], -8, "This is mostly because of *keys* (−9.0)" + NO_OTHER),
        ([1, 1, -1, 1], 8, f"{NO_REASON} *The* (+1.0), *keys* (+1.0) and *are* (−1.0) are worth most."),
        ([0.01, 0.02, 0, 0], 8, "No single word changes it by more than 0.1."),
        ([0.3, 0.1, 0, 0], 8, "No single word changes it by more than 0.3."),
        ([0, 0, 0, 0], 8, "No single word changes it at all."),
        ([0, 1e-8, 0, 0], 8, "No single word changes it at all."),
        ([0, 0.002, 0, 0], 0.001, "This is mostly because of *keys* (+0.0020)" + NO_OTHER),
        ([0, 2e7, 0, 0], 1e7, "This is mostly because of *keys* (+2.0e7)" + NO_OTHER),
    ],
)
def test_which_words_carry_it(effects, value, sentence):
    found = told(explained(effects, value))
    assert found["words"] == sentence
    is_sentence(found["words"])


def test_one_word_alone():
    found = told(explained([2.0], words=("keys",)))
    assert found["words"] == "This is mostly because of *keys* (+2.0)."


@pytest.mark.parametrize(
    ("reference", "given"),
    [
        (MASK, "[MASK]"),
        (Reference("mean", "", 0.0), "an average word"),
        (Reference("zero", "", 0.0), "zeros"),
        (Reference("tensor", "", 0.0), "the given numbers"),
        (
            Reference("text", "", 0.0, (Stream("input", build_tokens(("A", "key"))),), ((0, 1, -1, -1),)),
            "*key*",
        ),
    ],
)
@pytest.mark.parametrize(
    ("effect", "value", "change"),
    [
        (9.0, 8.0, "falls from +8.0 to −1.0: the answer flips."),
        (2.0, 8.0, "falls from +8.0 to +6.0."),
        (8.0, 8.0, "falls from +8.0 to 0.0: the answer is open."),
        (-9.0, -8.0, "rises from −8.0 to +1.0: the answer flips."),
        (-2.0, 8.0, "rises from +8.0 to +10.0."),
    ],
)
def test_what_happens_when_the_main_word_is_replaced(reference, given, effect, value, change):
    found = told(explained([0, effect, 0, 0], value, reference=reference))
    assert found["replaced"] == f"With {given} for *keys* the score {change}"
    without = told(explained([0, effect, 0, 0], value, score={"contrast": None}, reference=reference))
    assert "flips" not in without["replaced"]


def test_what_cannot_be_replaced_is_not_told():
    """A word without counterpart, and a word that changes nothing that could be seen."""
    other = Reference("text", "", 0.0, (Stream("input", build_tokens(("A",))),), ((0, -1, -1, -1),))
    assert "replaced" not in told(explained([0, 9, 0, 0], reference=other))
    assert "replaced" not in told(explained([0, 0.01, 0, 0]))


@pytest.mark.parametrize(("kind", "words", "says"), [
    ("text", WORDS, "is the same to the model"), ("mean", ("keys",), "mean of one word is that word"),
])  # fmt: skip
def test_a_reference_that_replaces_nothing_says_so(kind, words, says):
    streams = (Stream("input", build_tokens(words)),)
    aligned = (tuple(range(len(words))),)
    reference = Reference(kind, "", 0.0, *((streams, aligned) if kind == "text" else ()))
    found = told(explained([0.0] * len(words), words=words, reference=reference))
    assert says in found["words"]
    is_sentence(found["words"])


STEPS = {
    "value": "Head 0·1 writes *keys* onto *are*",
    "key": "Head 0·1 looks at *keys* from *are* because of what *keys* says",
    "query": "What *keys* says decides where head 0·1 looks from *are*",
    "attention": "Head 0·1 moves *keys* to *are*",
}
ON = {
    "value": "head 1·0 carries it to the blank.",
    "key": "head 1·0 looks at *are* from the blank because of it.",
    "query": "it decides where head 1·0 looks from the blank.",
}


@pytest.mark.parametrize("branch", STEPS)
def test_a_step_by_each_branch_in_words(branch):
    e = explained([0, 9, 0, 0])
    names = Names(e.streams, e.layers)
    first = ListedStep(0, branch, 1, 1, 2)
    told = in_words(names, [first])
    assert told == f"{STEPS[branch]}."
    for on, ending in ON.items():
        both = in_words(names, [first, ListedStep(1, on, 0, 2, 2 if on == "query" else 3)], "the blank")
        assert both == f"{STEPS[branch]}; {ending}"
        is_sentence(both)
    staying = in_words(names, [ListedStep(0, "value", 1, 1, 1)])
    assert staying == "Head 0·1 passes *keys* on in its own place."


@pytest.mark.parametrize("family", ["masked", "causal", "own"])
@pytest.mark.parametrize("tested", [True, False])
def test_by_which_route(family, tested):
    step = ListedStep(0, "value", 1, 1, 2)
    one = Family("keys → are (head 0·1)", "Head 0·1 writes *keys* onto *are*.", 0.4, 0.5, (), (step,))
    stays = Family("are", "What *are* says itself stays there.", 0.9, 0.5, (), ())
    ranking = Ranking("contribution", (), 0.0, 0.0, 0.0, "", (stays, one))
    route = Test((), (step,), "reference", "", 8.0, 1.5, 0.4) if tested else None
    e = explained([0, 9, 0, 0], rankings=(ranking,))
    (found,) = [s for s in sentences_of(e, family, "", route) if s.kind == "route"]
    number = "+6.5" if tested else "about +0.4"
    assert found.text == f"Head 0·1 writes *keys* onto *are* ({number} by this route alone)."
    assert found.parts == (Part(token=1), Part(layer=0, head=1))
    narrow = told(replace(e, paths="only paths through head 0·1"), family, "", route)["route"]
    assert narrow.endswith("by this route alone, only paths through head 0·1).")


def test_a_route_that_carries_nothing_is_not_told_as_a_reason():
    step = ListedStep(0, "value", 1, 1, 2)
    one = Family("keys → are (head 0·1)", "Head 0·1 writes *keys* onto *are*.", 0.4, 0.5, (), (step,))
    e = explained([0, 9, 0, 0], rankings=(Ranking("contribution", (), 0.0, 0.0, 0.0, "", (one,)),))
    said = told(e, route=Test((), (step,), "reference", "", 8.0, 7.99, 0.4))["route"]
    assert said == "No route through heads carries it alone: the first, from *keys*, is worth 0.0."


@pytest.mark.parametrize(
    ("estimate", "effect", "says"),
    [
        (
            0.7,
            9.0,
            "say too little here, as the model is saturated: +0.7 for *keys*, where the test says +9.0.",
        ),
        (9.0, 0.7, "say too much here: +9.0 for *keys*, where the test says +0.7."),
        (0.2, 0.7, None),
        (-2, 9, "point the wrong way here, as the model is far from linear: −2.0 for *keys*, where the test"),
        (8.0, 9.0, None),
    ],
)
def test_where_estimate_and_test_part(estimate, effect, says):
    e = explained([0, effect, 0, 0], estimates=[0, estimate, 0, 0])
    found = told(e).get("remark")
    assert found is None if says is None else found.startswith(f"Estimates {says}")


def test_a_head_that_estimates_mislead_about():
    e = explained([0, 9, 0, 0])
    e.dataset["head_effect"].values[1, 0] = 6.5
    e.dataset["head_contribution"].values[1, 0] = 1.0
    (found,) = [s for s in sentences_of(e, "masked") if s.kind == "remark"]
    assert found.text.endswith("+1.0 for head 1·0, where the test says +6.5.")
    assert found.parts == (Part(layer=1, head=0),)


def test_ranks_that_correlate_badly_are_remarked():
    bad = (Correlation("tokens", 0.9), Correlation("heads", -0.02), Correlation("mlps", -1.0))
    assert told(explained([0, 9, 0, 0], correlations=bad))["remark"] == (
        "The estimates put the heads in another order than the tests do (rank correlation −0.02)."
    )
    bad = (Correlation("tokens", 0.1), Correlation("heads", -0.02))
    assert told(explained([0, 9, 0, 0], correlations=bad))["remark"] == (
        "The estimates put the words and the heads in another order than the tests do (rank correlation "
        "0.10 and −0.02)."
    )


def test_what_could_not_be_tested_is_estimated_and_says_why():
    e = explained([math.nan] * 4, estimates=[0, 3, 0, 0])
    found = told(e, untested="A mixture\nsends a token elsewhere.")
    assert found["words"].startswith("As far as estimates tell, this is mostly because of *keys* (+3.0)")
    assert found["remark"] == (
        "Nothing could be tested here, so the numbers are estimates: A mixture sends a token elsewhere."
    )
    assert "replaced" not in found
    e.dataset["token_contribution"].values[:] = np.nan
    assert set(told(e, untested="It is refused")) == {"score", "remark"}


HOSTILE = [
    "*",
    "**",
    "<b>x</b>",
    "a b",
    "\n",
    "",
    "\u202eabc",
    "x" * 300,
    "(",
    "...",
    "`",
    "世界" * 40,
    "\ud83d",
    "-0.0",
]


@pytest.mark.parametrize("word", HOSTILE, ids=ascii)
@pytest.mark.parametrize("family", ["masked", "causal", "classifier", "own"])
def test_any_word_makes_sentences(word, family):
    """Whatever the words are, what stands around them is the sentence of an ordinary word."""
    plain, odd = (in_words_of(text, family) for text in ("w", word))
    assert [s.kind for s in odd] == [s.kind for s in plain]
    for ordinary, sentence in zip(plain, odd, strict=True):
        is_sentence(ordinary.text)
        around = [text.split("*")[::2] for text in (ordinary.text, sentence.text)]
        assert around[0] == around[1]
        assert sentence.text.isprintable()


def in_words_of(word, family):
    tokens = tuple(replace(t, text=word, raw=word or "raw") for t in build_tokens(("a", "b", "c")))
    own = {"target": None, "contrast": None, "label": word} if family == "own" else {"target": word}
    streams = (Stream("input", tokens),)
    e = explained([1.0, -4.0, 2.0], -2.0, words=("a", "b", "c"), streams=streams, score=own)
    return sentences_of(e, family)


def test_words_of_a_decoder_count_too():
    streams = (
        Stream("encoder", build_tokens(("The", "keys"))),
        Stream("decoder", build_tokens(("The", "is"))),
    )
    e = explained([0, 1.0], words=("The", "keys"), streams=streams)
    e.dataset["decoder_effect"] = ("token", np.array([5.0, 0.0], np.float32))
    e.dataset["decoder_contribution"] = e.dataset["decoder_effect"]
    (found,) = [s for s in sentences_of(e, "encoder-decoder") if s.kind == "words"]
    assert found.text.startswith("This is mostly because of *The (decoder)* (+5.0);")
    assert found.parts == (Part(token=0, stream=1),)


def test_equal_words_are_told_apart():
    e = explained([0, 9.0, 0, 8.0], words=("the", "key", "the", "key"))
    assert told(e)["words"].startswith("This is mostly because of *key₁* (+9.0) and *key₃* (+8.0);")
