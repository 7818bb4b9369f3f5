"""Padding changes no number, however a model tells places from each other.

Sliding and local windows, rotary, learned and relative positions, and ALiBi; tokenizers that pad on either
side, or have nothing to pad with.
"""

import numpy as np
import pytest
import torch
import transformers

import semiring_widgets as sw
from tests.explanation.tiny import tokenizer_of

WORDS = 60
SMALL = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "vocab_size": WORDS}
LAYERS = {**SMALL, "intermediate_size": 24, "max_position_embeddings": 64}
SIGNS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
ROTARY = {**LAYERS, **SIGNS, "num_key_value_heads": 1, "head_dim": 8, "sliding_window": 3}
NEO = {"hidden_size": 16, "num_layers": 2, "num_heads": 2, "vocab_size": WORDS, "window_size": 3}
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0}
# By how places are told: a class of model, its configuration.
MODELS = {
    "rotary, in a sliding window": ("Mistral", "ForCausalLM", ROTARY),
    "rotary, each second layer in a window": (
        "Gemma2",
        "ForCausalLM",
        {**ROTARY, "query_pre_attn_scalar": 8},
    ),
    "learned, each second layer in a window": (
        "GPTNeo",
        "ForCausalLM",
        {**NEO, "attention_types": [[["global", "local"], 1]], "max_position_embeddings": 64},
    ),
    "ALiBi": ("Bloom", "ForCausalLM", {"hidden_size": 16, "n_layer": 2, "n_head": 2, "vocab_size": WORDS}),
    "learned, counted from the padding": ("Roberta", "ForMaskedLM", {**LAYERS, "pad_token_id": 0}),
    "relative": ("DebertaV2", "ForMaskedLM", {**LAYERS, **RELATIVE, "position_buckets": 8}),
}
TEXTS = ("w5 w6", "w8 w9 w10 w11 w12 w13 w14 w15", "w40")
PLACE = ["row", "kind", "stream", "layer", "head", "branch", "token", "source_class", "target_class"]


def asked(name, folder, size, side="right", *, pads=True):
    kind, head, config = MODELS[name]
    torch.manual_seed(1)
    model = getattr(transformers, kind + head)(getattr(transformers, f"{kind}Config")(**config)).eval()
    tokenizer = tokenizer_of(WORDS)
    tokenizer.padding_side = side
    if not pads:
        tokenizer.pad_token = None
    blank = " [MASK]" if head == "ForMaskedLM" else ""
    rows = [{"text": text + blank, "target": "w20", "contrast": "w21"} for text in TEXTS]
    return sw.explain_corpus(model, tokenizer, rows, out=folder, batch_size=size)


@pytest.mark.parametrize("name", MODELS)
def test_numbers_are_those_of_each_text_alone(name, tmp_path):
    alone = asked(name, tmp_path / "alone", 1)
    assert len(alone.examples()) == len(TEXTS)
    for way, more in (("right", {}), ("left", {"side": "left"}), ("none", {"pads": False})):
        found = asked(name, tmp_path / way, len(TEXTS), **more)
        for table in ("examples", "parts"):
            mine, its = getattr(alone, table)(), getattr(found, table)()
            if table == "parts":
                mine, its = (one.sort_values(PLACE).reset_index(drop=True) for one in (mine, its))
            numbers = [column for column in mine if mine[column].dtype == np.float64]
            assert mine.drop(columns=numbers).equals(its.drop(columns=numbers)), (way, table)
            for column in numbers:
                np.testing.assert_allclose(its[column], mine[column], rtol=1e-5, atol=1e-5, err_msg=column)
