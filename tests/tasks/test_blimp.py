"""Files in BLiMP's format, with sentences of our own."""

import json

import pytest

from semiring_widgets import tasks
from semiring_widgets.errors import InputError


@pytest.fixture
def written(tmp_path):
    def write(*lines):
        path = tmp_path / "pairs.jsonl"
        # Raw letters, which JSON allows.
        texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return path

    return write


def pair(good, bad, kind="regular_plural_subject_verb_agreement_1"):
    return {"sentence_good": good, "sentence_bad": bad, "UID": kind, "pairID": "0", "one_prefix_method": True}


@pytest.mark.parametrize(
    ("good", "bad", "text", "target", "contrast"),
    [
        ("A sister of the clerks hasn't left.", "A sister of the clerks haven't left.",
         "A sister of the clerks [MASK] left.", "hasn't", "haven't"),
        ("The geese sleep.", "The geese sleeps.", "The geese [MASK].", "sleep", "sleeps"),
        ("The geese sleep.", "The goose sleep.", "The [MASK] sleep.", "geese", "goose"),
        ("Geese sleep, cats eat.", "Geese sleeps, cats eat.", "Geese [MASK], cats eat.", "sleep", "sleeps"),
        ("Él está  aquí.", "Él estás  aquí.", "Él [MASK]  aquí.", "está", "estás"),
        ("We\u2028 go.", "We\u2028 goes.", "We\u2028 [MASK].", "go", "goes"),
    ],
)  # fmt: skip
def test_the_word_that_differs_is_asked(written, good, bad, text, target, contrast):
    (found,) = tasks.read_blimp(written(pair(good, bad, "a_kind")))
    assert (found.text, found.target, found.contrast, found.kind) == (text, target, contrast, "a_kind")
    assert (found.good, found.bad) == (good, bad)
    assert isinstance(found, tasks.AgreementPair)
    assert found.number is found.subject is found.attractors is found.counterfactual is None


def test_lines_keep_their_order_and_empty_ones_are_nothing(written):
    path = written(pair("A b.", "A c."), "", pair("D e.", "D f."))
    assert [found.good for found in tasks.read_blimp(str(path))] == ["A b.", "D e."]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (pair("Cats sleep here.", "Cat sleeps here."), r"line 2: 'Cats sleep here\.' and .* in one word"),
        (pair("Cats sleep.", "Cats sleep."), "do not differ in one word"),
        (pair("Cats sleep.", "Cats do sleep."), "do not differ in one word"),
        (pair("Cats sleep.", "Cats sleep!"), "differ in punctuation"),
        ({"sentence_good": "Cats sleep."}, "line 2 has no text 'sentence_bad'; give a .jsonl file of BLiMP"),
        ("[1]", "line 2 has no text 'sentence_good'"),
        ("{", "line 2 is no JSON"),
    ],
)
def test_other_lines_are_refused_with_their_number(written, line, said):
    with pytest.raises(InputError, match=said):
        tasks.read_blimp(written(pair("Cats sleep.", "Cats sleeps."), line))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"none\.jsonl cannot be read .*; give a \.jsonl file of BLiMP"):
        tasks.read_blimp(tmp_path / "none.jsonl")
