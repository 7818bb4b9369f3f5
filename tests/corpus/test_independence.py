"""What a row says is its own: not of its neighbours, its place, the padding, or how many are asked."""

import random

import numpy as np
import pytest
import torch
import transformers

import semiring_widgets as sw
from tests.explanation.tiny import tokenizer_of

WORDS = 60
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 24, "bos_token_id": 2, "eos_token_id": 3}
LLAMA = {
    **SMALL,
    "num_key_value_heads": 1,
    "max_position_embeddings": 24,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
# Model by what it is asked: the next word, the word that is left out, or a class.
MODELS = {
    "GPT-2": lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2, vocab_size=WORDS)),
    "Llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**LLAMA, vocab_size=WORDS)),
    "BERT": lambda: transformers.BertForMaskedLM(transformers.BertConfig(**SMALL, vocab_size=WORDS)),
    "classifier": lambda: transformers.BertForSequenceClassification(
        transformers.BertConfig(**SMALL, vocab_size=WORDS)
    ),
}
TEXTS = {
    "one token": "w5",
    "short": "w6 w7",
    "long": " ".join(f"w{number}" for number in range(8, 20)),
    "other": "w30 w31 w32 w33 w34",
    "unknown": "naïve 東京 👩‍👩‍👧 w9",
    "composed": "é e\u0301 w11",
    "rtl": "שלום w12",
    "duplicate": "w30 w31 w32 w33 w34",
    "empty": "",
    "blanks": " \t\n",
    "half": "w5 \ud83d",
}
REFUSED = ("empty", "blanks", "half")


def rows_of(name, texts=TEXTS):
    target = {"target": 1} if name == "classifier" else {"target": "w9", "contrast": "w10"}
    found = []
    for one, text in texts.items():
        said = f"{text} [MASK]" if name == "BERT" and one not in REFUSED else text
        found.append({"text": said, "id": one, **target})
    return found


def asked(name, rows, folder, side="right", **more):
    torch.manual_seed(1)
    tokenizer = tokenizer_of(WORDS)
    tokenizer.padding_side = side
    return sw.explain_corpus(MODELS[name]().eval(), tokenizer, rows, out=folder, **more)


def by_id(table):
    """Rows in an order of their own, without the place in the corpus."""
    return table.drop(columns="row").sort_values("id", kind="stable").reset_index(drop=True)


def check_same(one, other):
    for table in ("examples", "parts", "errors"):
        mine, its = (by_id(getattr(each, table)()) for each in (one, other))
        numbers = [name for name in mine if mine[name].dtype == np.float64]
        assert mine.drop(columns=numbers).equals(its.drop(columns=numbers)), table
        for name in numbers:
            np.testing.assert_allclose(mine[name], its[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Every text asked by itself."""
    known = {}

    def ask(name):
        if name not in known:
            known[name] = asked(name, rows_of(name), tmp_path_factory.mktemp("alone"), batch_size=1)
        return known[name]

    return ask


@pytest.mark.parametrize("name", MODELS)
def test_neither_batch_nor_side_of_padding_nor_order_nor_chunk_matters(name, alone, tmp_path):
    rows = rows_of(name)
    random.Random(3).shuffle(rows)
    for side, size, chunk in (("right", 16, 128), ("left", 16, 128), ("left", 3, 4)):
        found = asked(name, rows, tmp_path / f"{side}-{size}", side, batch_size=size, chunk_size=chunk)
        assert found.examples()["id"].tolist() == [row["id"] for row in rows if row["id"] not in REFUSED]
        check_same(alone(name), found)


@pytest.mark.parametrize("name", MODELS)
def test_what_cannot_be_read_is_in_the_table_of_errors_and_nowhere_else(name, alone):
    found = alone(name)
    errors = found.errors().set_index("id")
    assert set(errors.index) == set(REFUSED)
    for one in ("empty", "blanks"):
        assert errors.loc[one, "reason"] == "The text is empty; give a sentence with at least one word."
    assert "half a surrogate pair" in errors.loc["half", "reason"]
    told = {*found.examples()["id"]}
    assert told == {*TEXTS} - {*REFUSED}
    assert {*found.parts()["id"]} == told


@pytest.mark.parametrize("name", MODELS)
def test_a_text_that_is_there_twice_says_the_same_twice(name, alone, tmp_path):
    own = {one: TEXTS[one] for one in ("other", "long", "duplicate", "short")}
    for found in (alone(name), asked(name, rows_of(name, own), tmp_path, batch_size=4)):
        for table in (found.examples(), found.parts()):
            first, second = (
                table[table["id"] == one].drop(columns=["row", "id", "row_digest"], errors="ignore")
                for one in ("other", "duplicate")
            )
            numbers = [column for column in first if first[column].dtype == np.float64]
            words = [column for column in first if column not in numbers]
            assert first[words].reset_index(drop=True).equals(second[words].reset_index(drop=True))
            np.testing.assert_allclose(first[numbers], second[numbers], rtol=1e-5, atol=1e-6)


def test_texts_are_kept_letter_by_letter(alone):
    texts = alone("GPT-2").examples().set_index("id")["text"]
    for one in ("unknown", "composed", "rtl"):
        assert texts[one] == TEXTS[one]
