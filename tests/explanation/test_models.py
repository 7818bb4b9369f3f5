"""Models by name: the configuration decides the head, and every failure is one sentence."""

import types

import pytest

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.models import head_class, load_model


@pytest.fixture
def folder(tmp_path):
    """A tiny BERT with its tokenizer, as save_pretrained writes it."""
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "keys", "are"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast(vocab={word: index for index, word in enumerate(words)})
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
    )
    place = tmp_path / "model"
    transformers.BertForMaskedLM(config).save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


@pytest.mark.parametrize(
    ("architecture", "pair", "loader"),
    [
        ("BertForMaskedLM", False, "AutoModelForMaskedLM"),
        ("BertForPreTraining", False, "AutoModelForMaskedLM"),
        ("LlamaForCausalLM", False, "AutoModelForCausalLM"),
        ("GPT2LMHeadModel", False, "AutoModelForCausalLM"),
        ("T5ForConditionalGeneration", True, "AutoModelForSeq2SeqLM"),
        ("DistilBertForSequenceClassification", False, "AutoModelForSequenceClassification"),
        ("BertModel", False, "AutoModel"),
        (None, False, "AutoModel"),
    ],
)
def test_the_architecture_decides_the_head(architecture, pair, loader):
    config = types.SimpleNamespace(
        architectures=None if architecture is None else [architecture], is_encoder_decoder=pair
    )
    assert head_class(config) == loader


def test_a_folder_is_loaded_with_its_head_and_in_eval_mode(folder):
    model, tokenizer = load_model(folder)
    assert type(model).__name__ == "BertForMaskedLM"
    assert not model.training
    assert tokenizer.mask_token == "[MASK]"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "name is empty"),
        ("./nowhere", "There is no folder './nowhere'"),
        ("/nowhere/at/all", "There is no folder"),
    ],
)
def test_names_that_cannot_be_right(name, sentence):
    with pytest.raises(InputError, match=sentence):
        load_model(name)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(InputError, match=r"holds no config\.json"):
        load_model(tmp_path)


def test_a_folder_with_broken_files(folder):
    (folder / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="could not be loaded"):
        load_model(folder)


def test_a_name_that_is_not_here_and_no_connection(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"Hub cannot be reached; give 'demo' or a folder"):
        load_model("nobody/has-this-model")
