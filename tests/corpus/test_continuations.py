"""Rows with targets of several pieces, chats and pairs: each has the numbers that it has alone."""

import json

import numpy as np
import pytest
import torch
import transformers

import semiring_widgets as sw
from tests.explanation.test_chats import TEMPLATE
from tests.explanation.test_continuations import MODELS
from tests.own_tokenizers import word_piece

ROWS = [
    {"text": "The keys", "target": "are on the table"},
    {"text": "The keys on the table", "target": "are there", "group": "long"},
    {"text": "The table", "target": "is", "contrast": "are"},
    {"text": "The keys", "target": "are on", "contrast": "is"},
    {"text": [{"role": "user", "content": "The keys"}], "target": [265, 261]},
    {"text": [{"role": "user"}], "target": "is"},
]


@pytest.fixture(scope="module", params=["GPT-2", "Llama"])
def pair(request):
    make, tokenizer = MODELS[request.param]
    tokenizer = tokenizer()
    tokenizer.chat_template = TEMPLATE
    if request.param == "Llama":
        tokenizer.add_tokens([f"extra{n}" for n in range(266 - len(tokenizer))])
    torch.manual_seed(5)
    return make(tokenizer).eval(), tokenizer


@pytest.fixture(scope="module")
def found(pair, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    file = folder / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)))
    return sw.explain_corpus(*pair, file, out=folder / "out", batch_size=4, reference="zero")


def test_rows_have_the_numbers_of_one_by_one(pair, found):
    examples = found.examples().set_index("row")
    parts = found.parts()
    for number, row in enumerate(ROWS[:5]):
        asked = {**row, "text": row["text"]}
        asked.pop("group", None)
        e = sw.explain(*pair, **asked, reference="zero", rankings=())
        assert examples.loc[number, "score"] == pytest.approx(e.score.value, abs=1e-4)
        assert examples.loc[number, "label"] == e.score.label
        assert examples.loc[number, "log_mass"] == pytest.approx(e.totals.log_mass, abs=1e-4)
        own = parts[(parts["row"] == number) & (parts["kind"] == "token")]
        np.testing.assert_allclose(own["effect"], e.dataset.token_effect, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(own["contribution"], e.dataset.token_contribution, rtol=1e-3, atol=1e-5)


def test_what_is_asked_for_has_a_class_of_its_own(found):
    parts = found.parts()
    tokens = parts[(parts["row"] == 0) & (parts["kind"] == "token")]
    assert tokens["token_class"].tolist()[-4:] == ["answer"] * 4
    assert tokens["token_text"].tolist()[-4:] == ["are", "on", "the", "table"]


def test_a_wrong_chat_is_one_row_of_errors(found):
    assert found.errors()["row"].tolist() == [5]
    assert "has no content" in found.errors()["reason"][0]


def test_a_chat_beside_a_second_text_is_refused(pair, tmp_path):
    rows = [{**ROWS[4], "second_text": "The table"}, ROWS[0]]
    errors = sw.explain_corpus(*pair, rows, out=tmp_path).errors()
    assert errors["reason"].tolist() == [
        "The row has a chat and a second_text; a pair is two strings, so leave one out."
    ]


def test_pairs_of_texts_have_the_numbers_of_one_by_one(tmp_path):
    tokenizer = word_piece(["keys", "table", "here"])
    torch.manual_seed(0)
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(
            vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=24, num_labels=3,
        )
    ).eval()  # fmt: skip
    rows = [
        {"text": "keys here", "second_text": "table", "target": 1},
        {"text": "keys", "second_text": "here", "target": 0, "contrast": 2},
    ]
    examples = sw.explain_corpus(model, tokenizer, rows, out=tmp_path, batch_size=2).examples()
    for number, row in enumerate(rows):
        text = (row["text"], row["second_text"])
        e = sw.explain(model, tokenizer, text, row["target"], row.get("contrast"), rankings=())
        assert examples["score"][number] == pytest.approx(e.score.value, abs=1e-5)
        assert examples["entropy"][number] == pytest.approx(e.totals.entropy, abs=1e-4)
