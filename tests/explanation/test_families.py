"""What a model holds and gives decides what it is asked: wrappers, heads of all kinds, other models."""

import pytest
import torch
import transformers
from torch import nn

import semiring_widgets as sw
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from tests.core.zoo.shrinking import WORDS, build, shrink
from tests.explanation.tiny import tokenizer_of

pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"
)

TEXT = "w7 w9 [MASK] w8"
IDS = torch.tensor([[2, 7, 9, 4, 8, 3]])
MASK, LAST = 3, -1


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_of(WORDS)


class Held(nn.Module):
    """A module of the user's around a model."""

    def __init__(self, inner, read=lambda output: output):
        super().__init__()
        self.inner, self.read = inner, read
        self.eval()

    def forward(self, input_ids, attention_mask=None):
        return self.read(self.inner(input_ids=input_ids, attention_mask=attention_mask))


class Passing(Held):
    """An adapter: it gives on whatever it is given."""

    def forward(self, *args, **kwargs):
        return self.inner(*args, **kwargs)


def tuples(model):
    model.config.return_dict = False
    return model


def subclassed(model):
    model.__class__ = type("Mine", (type(model),), {})
    return model


def compiled_parts(model):
    model.bert = torch.compile(model.bert)
    return model


def compiled_in_place(model):
    model.compile()
    return model


WRAPPED = {
    "DataParallel": ("GPT2LMHeadModel", nn.DataParallel),
    "torch.compile": ("GPT2LMHeadModel", torch.compile),
    "compiled in place": ("GPT2LMHeadModel", compiled_in_place),
    "compiled parts": ("BertForMaskedLM", compiled_parts),
    "both": ("BertForMaskedLM", lambda model: nn.DataParallel(torch.compile(model))),
    "tuples": ("BertForMaskedLM", tuples),
    "tuples of a pair": ("T5ForConditionalGeneration", tuples),
    "a subclass": ("GPT2LMHeadModel", subclassed),
    "held": ("BertForMaskedLM", Held),
    "held causal": ("GPT2LMHeadModel", Held),
    "logits only": ("BertForMaskedLM", lambda model: Held(model, lambda output: output.logits)),
    "a dictionary": ("BertForMaskedLM", lambda model: Held(model, dict)),
    "a list": ("GPT2LMHeadModel", lambda model: Held(model, lambda output: [output.logits])),
    "an adapter": ("GPT2LMHeadModel", Passing),
    "an adapter in an adapter": ("BertForMaskedLM", lambda model: Passing(Passing(model))),
    "a pretraining head": ("BertForPreTraining", lambda model: model),
    "an encoder-decoder": ("BartForConditionalGeneration", lambda model: model),
}


@pytest.mark.parametrize("how", WRAPPED)
def test_a_wrapped_model_gives_the_score_of_its_model(how, tokenizer):
    name, wrap = WRAPPED[how]
    pair = "Conditional" in name
    model = build(name, **({"decoder_start_token_id": 1} if pair else {}))
    decoder = {"decoder_input_ids": torch.tensor([[1]])} if pair else {}
    with torch.no_grad():
        output = model(input_ids=IDS, attention_mask=torch.ones_like(IDS), **decoder)
    logits = output.get("logits", output.get("prediction_logits"))
    place = LAST if pair or name.startswith("GPT2") else MASK
    found = prepare(wrap(model), tokenizer, Question(TEXT, target=7, position=place))
    assert found.score.value == pytest.approx(float(logits[0, place, 7]), rel=1e-5)


def test_explain_shows_a_compiled_model_in_a_wrapper(tokenizer):
    model = build("BertForMaskedLM")
    plain = sw.explain(model, tokenizer, TEXT, target=7)
    found = sw.explain(nn.DataParallel(torch.compile(model)), tokenizer, TEXT, target=7)
    assert (found.model, found.score) == (plain.model, plain.score)
    assert found.dataset.identical(plain.dataset)


class Headed(nn.Module):
    """A head of the user's own."""

    def __init__(self, per_token):
        super().__init__()
        self.inner, self.per_token = build("BertModel"), per_token
        torch.manual_seed(3)
        self.head = nn.Linear(32, 4)
        self.eval()

    def forward(self, input_ids):
        hidden = self.inner(input_ids).last_hidden_state
        return self.head(hidden if self.per_token else hidden[:, 0])


def test_a_head_of_the_users_own(tokenizer):
    model = Headed(per_token=False)
    found = prepare(model, tokenizer, Question(TEXT, target=2, contrast="class 1"))
    with torch.no_grad():
        real = model(IDS)[0]
    assert found.score.value == pytest.approx(float(real[2] - real[1]), rel=1e-5)
    assert found.score.label == "logit(class 2) - logit(class 1)"
    model = Headed(per_token=True)
    found = prepare(model, tokenizer, Question(TEXT, target=2, position=2))
    with torch.no_grad():
        assert found.score.value == pytest.approx(float(model(IDS)[0, 2, 2]), rel=1e-5)
    assert found.score.label == "logit(class 2) at w9"


READ_TWICE = ["Bart", "MBart", "MT5", "PLBart", "Mvp"]


@pytest.mark.parametrize("family", READ_TWICE)
def test_an_encoder_decoder_that_classifies_reads_the_text_twice(family, tokenizer):
    model = build(f"{family}ForSequenceClassification", pad_token_id=0, eos_token_id=3)
    found = prepare(model, tokenizer, Question(TEXT, target=1))
    with torch.no_grad():
        real = model(input_ids=IDS, attention_mask=torch.ones_like(IDS)).logits[0, 1]
    assert found.score.value == pytest.approx(float(real), rel=1e-5)
    assert [stream.name for stream in found.streams] == ["encoder", "decoder"]
    assert len(found.streams[1].tokens) == IDS.shape[1]


@pytest.mark.parametrize("family", ["Bert", "GPT2", "T5", "Canine", "Electra", "XLNet", "Llama"])
def test_a_class_of_one_token(family, tokenizer):
    model = build(f"{family}ForTokenClassification")
    found = prepare(model, tokenizer, Question(TEXT, target="LABEL_1", position=2))
    with torch.no_grad():
        real = model(input_ids=IDS, attention_mask=torch.ones_like(IDS)).logits[0, 2, 1]
    assert found.score.value == pytest.approx(float(real), rel=1e-5)
    assert found.score.label == "logit(LABEL_1) at w9"
    with pytest.raises(sw.SemiringWidgetsError, match="say by position="):
        prepare(model, tokenizer, Question(TEXT))


def test_two_models_as_one_encoder_decoder(tokenizer):
    decoder = shrink(transformers.BertConfig, is_decoder=True, add_cross_attention=True)
    config = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(
        shrink(transformers.BertConfig), decoder
    )
    torch.manual_seed(0)
    model = transformers.EncoderDecoderModel(config).eval()
    model.config.decoder_start_token_id = 2
    found = prepare(model, tokenizer, Question(TEXT, target=7))
    with torch.no_grad():
        output = model(
            input_ids=IDS, attention_mask=torch.ones_like(IDS), decoder_input_ids=torch.tensor([[2]])
        )
    assert found.score.value == pytest.approx(float(output.logits[0, 0, 7]), rel=1e-5)


REFUSED = {
    "ElectraForPreTraining": "one number for each token",
    "BertForQuestionAnswering": r"score=lambda output: output\.start_logits",
    "XLNetForQuestionAnswering": r"no head.*output\.start_top_log_probs",
    "BertForMultipleChoice": "chooses between several texts",
    "BertModel": r"no head.*output\.last_hidden_state",
    "ViTForImageClassification": "reads images, not text",
    "CLIPModel": r"CLIPModel failed with .* while it was called with the text",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_asked_is_a_true_sentence(name, tokenizer):
    with pytest.raises(sw.SemiringWidgetsError, match=REFUSED[name]):
        sw.explain(build(name), tokenizer, TEXT)


def test_sound_is_no_text(tokenizer):
    model = build("WhisperForConditionalGeneration", max_source_positions=12, num_mel_bins=8)
    with pytest.raises(sw.SemiringWidgetsError, match="reads sound, not text"):
        sw.explain(model, tokenizer, TEXT)


def test_arguments_of_other_names_and_logits_of_other_lengths(tokenizer):
    class Named(nn.Module):
        def forward(self, words):
            return words

    with pytest.raises(sw.SemiringWidgetsError, match="Named has no argument input_ids"):
        sw.explain(Named().eval(), tokenizer, TEXT)
    prompted = Held(build("GPT2LMHeadModel"), lambda output: output.logits[:, [0, 0, *range(6)]])
    with pytest.raises(sw.SemiringWidgetsError, match=r"shape \[1, 8, 50\] for 6 tokens"):
        sw.explain(prompted, tokenizer, TEXT)
    headless = Held(build("BertModel"), lambda output: output.last_hidden_state)
    with pytest.raises(sw.SemiringWidgetsError, match=r"no head.*lambda output: output\[:, 0\]"):
        sw.explain(headless, tokenizer, TEXT)
