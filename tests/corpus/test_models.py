"""Corpora asked of small models: no number depends on the batch, every token has its own name."""

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    OPTConfig,
    OPTForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.batches import BatchOptions, explain_together
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from tests.explanation.tiny import tokenizer_of

TEXTS = ["w5 w6 w7", "w15 w16 w7 w30 w31 w32", "w5"]
WORDS = [{"text": text, "target": "w9", "contrast": "w10"} for text in TEXTS]
CLASSES = [{"text": text, "target": 1, "contrast": "LABEL_0"} for text in TEXTS]
BERT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 16, "bos_token_id": 2, "eos_token_id": 3}
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}
# Model, its configuration, the padding of the tokenizer, and rows.
CASES = {
    "T5": (T5ForConditionalGeneration, T5Config(**T5, vocab_size=60, pad_token_id=0), "[PAD]", WORDS),
    "GPT-2, no padding": (GPT2LMHeadModel, GPT2Config(**GPT2, vocab_size=60), None, WORDS),
    "classifier": (BertForSequenceClassification, BertConfig(**BERT, vocab_size=60), "[PAD]", CLASSES),
    # It looks for the last token that is no padding, and its tokenizer knows none.
    "causal classifier": (
        GPT2ForSequenceClassification,
        GPT2Config(**GPT2, vocab_size=60, pad_token_id=59),
        None,
        CLASSES,
    ),
}


def asked(case, folder, size):
    kind, config, padding, rows = CASES[case]
    torch.manual_seed(0)
    tokenizer = tokenizer_of(60)
    tokenizer.pad_token = padding
    return sw.explain_corpus(kind(config).eval(), tokenizer, rows, out=folder, batch_size=size)


@pytest.mark.parametrize("case", CASES)
def test_numbers_do_not_depend_on_the_batch(case, tmp_path, monkeypatch):
    from semiring_widgets.corpus import chunks

    sizes = []
    together = chunks.explain_together
    monkeypatch.setattr(
        chunks, "explain_together", lambda many, *rest: sizes.append(len(many)) or together(many, *rest)
    )
    whole, single = (asked(case, tmp_path / str(size), size) for size in (3, 1))
    # None of them had to be asked again alone.
    assert sizes == [3, 1, 1, 1]
    assert len(whole.examples()) == 3
    for mine, its in ((whole.examples(), single.examples()), (whole.parts(), single.parts())):
        numbers = [name for name in mine if mine[name].dtype == np.float64]
        assert mine.drop(columns=numbers).equals(its.drop(columns=numbers))
        for name in numbers:
            np.testing.assert_allclose(mine[name], its[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_tokens_of_a_decoder_are_its_own(tmp_path):
    parts = asked("T5", tmp_path, 3).parts().query("row == 0 and kind == 'branch'")
    text = ["[CLS]", "w5", "w6", "w7", "[SEP]"]
    # Layer 2 is the decoder's own attention, layer 3 looks at the text.
    for layer, branch, stream, wanted in (
        (1, "value", 0, text),
        (2, "value", 1, ["[PAD]"]),
        (3, "key", 0, text),
        (3, "value", 0, text),
        (3, "query", 1, ["[PAD]"]),
        (3, "mlp", 1, ["[PAD]"]),
    ):
        own = parts.query(f"layer == {layer} and branch == '{branch}'")
        assert own["token_text"].tolist() == wanted, (layer, branch)
        assert set(own["stream"]) == {stream}
    assert set(parts.query("stream == 1")["token_class"]) == {"asked"}


def test_heads_are_of_the_same_stream_whole_and_by_operand(tmp_path):
    heads = asked("T5", tmp_path, 3).parts().query("row == 1 and kind == 'head'")
    assert (heads.groupby(["layer", "head"])["stream"].nunique(dropna=False) == 1).all()


def test_a_model_that_looks_at_other_texts_is_noticed_and_asked_one_by_one(tmp_path):
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(**BERT, vocab_size=60)).eval()
    # So little that no score of a batch is off by more than a recording rounds.
    model.bert.embeddings.register_forward_hook(
        lambda _, given, output: output + 1e-3 * output.mean(0, keepdim=True)
    )
    questions = [prepare(model, tokenizer_of(60), Question(row["text"], row["target"])) for row in CLASSES]
    with pytest.raises(InputError, match="looks from one example of a batch at another: a score changed by"):
        explain_together(questions, [None] * 3, BatchOptions(tested=False))
    found = sw.explain_corpus(model, tokenizer_of(60), CLASSES, out=tmp_path / "3", batch_size=3)
    alone = sw.explain_corpus(model, tokenizer_of(60), CLASSES, out=tmp_path / "1", batch_size=1)
    assert found.parts().equals(alone.parts())


def test_a_model_that_flattens_its_batch_is_asked_one_by_one(tmp_path):
    """OPT makes one list of the tokens of all texts, where its feed-forward parts would be missed."""
    config = {"hidden_size": 16, "ffn_dim": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = OPTForCausalLM(OPTConfig(**config, word_embed_proj_dim=16, vocab_size=60, pad_token_id=0)).eval()
    rows = [{"text": text, "target": "w20"} for text in ("w5 w6", "w7 w8 w9 w10", "w11")]
    many, alone = (
        sw.explain_corpus(model, tokenizer_of(60), rows, out=tmp_path / str(size), batch_size=size)
        for size in (3, 1)
    )
    assert not len(many.errors())
    assert len(alone.parts().query("kind == 'mlp'")) == 6
    assert many.parts().equals(alone.parts())
