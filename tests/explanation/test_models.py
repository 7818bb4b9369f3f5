"""Models by name: the configuration decides the head, and every failure is one sentence."""

import json
import types

import pytest

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.models import head_class, load_model

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "keys", "are"]


def tokenizer_with(words):
    transformers = pytest.importorskip("transformers")
    return transformers.BertTokenizerFast(vocab={word: index for index, word in enumerate(words)})


@pytest.fixture
def discriminator(tmp_path):
    """A tiny ELECTRA discriminator with its tokenizer."""
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "embedding_size": 8, "intermediate_size": 16, "num_hidden_layers": 1}
    config = transformers.ElectraConfig(vocab_size=len(WORDS), num_attention_heads=2, **sizes)
    transformers.ElectraForPreTraining(config).save_pretrained(tmp_path)
    tokenizer_with(WORDS).save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def folder(tmp_path):
    """A tiny BERT with its tokenizer, as save_pretrained writes it."""
    transformers = pytest.importorskip("transformers")
    words, tokenizer = WORDS, tokenizer_with(WORDS)
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
        ("BertForPreTraining", False, "AutoModelForPreTraining"),
        ("LlamaForCausalLM", False, "AutoModelForCausalLM"),
        ("GPT2LMHeadModel", False, "AutoModelForCausalLM"),
        ("T5ForConditionalGeneration", True, "AutoModelForSeq2SeqLM"),
        ("DistilBertForSequenceClassification", False, "AutoModelForSequenceClassification"),
        ("BertModel", False, "AutoModel"),
        (None, False, "AutoModel"),
        (3, False, "AutoModel"),
    ],
)
def test_the_architecture_decides_the_head(architecture, pair, loader):
    config = types.SimpleNamespace(
        architectures=None if architecture is None else [architecture], is_encoder_decoder=pair
    )
    assert head_class(config) == loader


def edit(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"architectures": ["ElectraForMaskedLM"]},
            r"lacks weights of ElectraForMaskedLM.*generator_.*holds disc",
        ),
        ({"architectures": ["ElectraForSequenceClassification"]}, r"lacks weights.*classifier\."),
        ({"num_hidden_layers": 2}, r"lacks weights of ElectraForPreTraining.*encoder\.layer\.1"),
        ({"intermediate_size": 24}, r"other sizes.*intermediate\.dense\.bias \[16\] for \[24\]"),
    ],
)
def test_a_checkpoint_that_would_be_filled_with_random_numbers_is_refused(discriminator, changes, says):
    edit(discriminator, **changes)
    for _ in range(2):
        with pytest.raises(InputError, match=says):
            load_model(discriminator)


def test_a_discriminator_is_loaded_as_it_is_and_is_no_masked_model(discriminator):
    first, tokenizer = load_model(discriminator)
    second, _ = load_model(discriminator)
    assert type(first).__name__ == "ElectraForPreTraining"
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert one.equal(other)
    with pytest.raises(InputError, match=r"one number for each token, not one for each word"):
        sw.explain(first, tokenizer, "the keys [MASK]")
    assert sw.explain(first, tokenizer, "the keys", score=lambda output: output.logits[:, 1]).layers


def test_the_class_in_the_configuration_is_the_one_that_is_loaded(tmp_path):
    transformers = pytest.importorskip("transformers")
    text = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "vocab_size": 8, "head_dim": 4}
    text |= {"num_attention_heads": 2, "num_key_value_heads": 1, "pad_token_id": 0}
    seen = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    seen |= {"image_size": 16, "patch_size": 8}
    config = transformers.Gemma3Config(text_config=text, vision_config=seen, mm_tokens_per_image=1)
    transformers.Gemma3ForConditionalGeneration(config).save_pretrained(tmp_path)
    tokenizer_with(WORDS).save_pretrained(tmp_path)
    model, tokenizer = load_model(tmp_path)
    assert type(model).__name__ == "Gemma3ForConditionalGeneration"
    assert sw.explain(model, tokenizer, "the keys", target="are").score.label.startswith("logit(are)")


@pytest.mark.parametrize("named", ["pipeline", "BertConfig", "AutoModel", "Trainer", "GPT2Model"])
def test_nothing_but_a_model_of_its_kind_is_called(folder, named):
    edit(folder, architectures=[named])
    with pytest.raises(InputError, match=r"lacks weights of BertModel.*pooler"):
        load_model(folder)


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
