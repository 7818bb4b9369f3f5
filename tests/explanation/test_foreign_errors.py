"""Errors of other people's code, and what is too much for a model, as one true sentence."""

import copy
import pickle

import pytest
import torch
import transformers

import semiring_widgets as sw
from semiring_widgets.errors import ModelError
from semiring_widgets.explanation import explain_run
from semiring_widgets.explanation.limits import longest_allowed
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.question import Question
from tests.core.zoo.shrinking import WORDS, build, shrink
from tests.explanation.tiny import tokenizer_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

TEXT = "w7 w9 [MASK] w8"


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_of(WORDS)


LIMITED = {
    "MPNetForMaskedLM": 62,
    "XLMRobertaXLForMaskedLM": 62,
    "RobertaForMaskedLM": 62,
    "RobertaPreLayerNormForMaskedLM": 62,
    "Data2VecTextForMaskedLM": 62,
    "IBertForMaskedLM": 62,
    "BertForMaskedLM": 64,
    "GPT2LMHeadModel": 64,
    "OPTForCausalLM": 64,
    "XLMWithLMHeadModel": 64,
    "CTRLLMHeadModel": 64,
}


@pytest.mark.parametrize("name", LIMITED)
def test_the_limit_is_the_true_one(name, tokenizer):
    model = build(name)
    limit = longest_allowed(model, tokenizer)
    assert limit == LIMITED[name]

    def text(tokens):
        return " ".join(["w7"] * (tokens - 2))

    assert prepare(model, tokenizer, Question(text(limit), target=7, position=1)).score.position == 1
    with pytest.raises(sw.SemiringWidgetsError, match=f"has {limit + 1} tokens.*at most {limit}"):
        prepare(model, tokenizer, Question(text(limit + 1), target=7, position=1))
    ids = torch.full((1, limit + 1), 7)
    with pytest.raises((IndexError, RuntimeError)), torch.no_grad():
        model(input_ids=ids, attention_mask=torch.ones_like(ids))


def test_a_table_that_no_configuration_names(tokenizer):
    windows = {"attention_window": [4, 4], "max_encoder_position_embeddings": 16}
    model = build("LEDForConditionalGeneration", decoder_start_token_id=1, **windows)
    with pytest.raises(sw.SemiringWidgetsError, match=r"embed_positions\.weight, which has 16 rows; shorten"):
        prepare(model, tokenizer, Question(" ".join(["w7"] * 30)))


def test_a_token_that_was_added_without_resizing(tokenizer):
    more = copy.deepcopy(tokenizer)
    more.add_tokens(["novel"])
    model = build("BertForMaskedLM")
    with pytest.raises(sw.SemiringWidgetsError, match=r"'novel' .*id 50, .*0 to 49.*resize_token_embeddings"):
        sw.explain(model, more, "w7 novel [MASK]")
    model.resize_token_embeddings(len(more), mean_resizing=False)
    assert prepare(model, more, Question("w7 novel [MASK]", target=7)).streams[0].tokens[2].text == "novel"


def test_token_types_that_the_model_does_not_have(tokenizer):
    class Paired:
        def __getattr__(self, name):
            return getattr(tokenizer, name)

        def __call__(self, *parts, **options):
            encoding = tokenizer(*parts, **options)
            if "return_tensors" in options:
                encoding["token_type_ids"] = torch.ones_like(encoding["input_ids"])
            return encoding

    model = build("RobertaForMaskedLM", type_vocab_size=1)
    with pytest.raises(sw.SemiringWidgetsError, match=r"row 1 in .*token_type_embeddings.weight, .* 1 rows"):
        sw.explain(model, Paired(), TEXT)


class Failing(transformers.BertForMaskedLM):
    """Takes anything, and fails with its attribute ``error``."""

    def forward(self, *args, **kwargs):
        raise self.error


@pytest.mark.parametrize(
    "error",
    [ValueError("no luck\nsecond line"), KeyError("luck"), NotImplementedError(), AttributeError("x")],
)
def test_an_error_of_the_models_own_code_is_one_sentence(error, tokenizer):
    model = Failing(shrink(transformers.BertConfig)).eval()
    model.error = error
    with pytest.raises(ModelError, match=f"^Failing failed with {type(error).__name__} while") as caught:
        sw.explain(model, tokenizer, TEXT)
    assert caught.value.__cause__ is error
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="Failing failed"):
        sw.compare(model, tokenizer, TEXT)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), torch.OutOfMemoryError("full"), MemoryError()])
def test_what_is_no_fault_of_the_models_passes_through(error, tokenizer):
    model = Failing(shrink(transformers.BertConfig)).eval()
    model.error = error
    with pytest.raises(type(error)) as caught:
        sw.explain(model, tokenizer, TEXT)
    assert caught.value is error


def test_tuples_that_a_model_itself_cannot_read(tokenizer):
    model = build("GPT2LMHeadModel")
    model.config.return_dict = False
    with pytest.raises(ModelError, match=r"'tuple' object .* Set model\.config\.return_dict = True"):
        sw.explain(model, tokenizer, TEXT)


def test_an_error_of_score_is_named(tokenizer):
    with pytest.raises(sw.SemiringWidgetsError, match=r"score= failed with AttributeError.*MaskedLMOutput"):
        sw.explain(build("BertForMaskedLM"), tokenizer, TEXT, score=lambda output: output.nothing)


SCORES = {
    "a tensor of torch.int64": lambda output: output.logits[:, 3].argmax(-1),
    "a tensor of torch.bool": lambda output: output.logits[:, 3, 7] > 0,
    "a tensor of torch.complex64": lambda output: output.logits[:, 3, 7] * 1j,
    "returned float": lambda output: float(output.logits[0, 3, 7]),
    "or score=, draws random numbers": lambda output: output.logits[:, 3, 7] + torch.randn(()),
}


@pytest.mark.parametrize("says", SCORES)
def test_what_is_no_score(says, tokenizer):
    with pytest.raises(sw.SemiringWidgetsError, match=says):
        sw.explain(build("BertForMaskedLM"), tokenizer, TEXT, score=SCORES[says])


def test_a_score_chooses_its_place_and_has_a_visible_name(tokenizer):
    def score(output):
        return output.logits[:, 3, 7]

    score.__name__ = "first\n\u202esecond"
    assert sw.explain(build("BertForMaskedLM"), tokenizer, TEXT, score=score).score.label == (
        "first⏎⟨U+202E⟩second"
    )
    for ask in (sw.explain, sw.compare):
        with pytest.raises(sw.SemiringWidgetsError, match=r"Both score= and position="):
            ask(build("BertForMaskedLM"), tokenizer, TEXT, position=2, score=score)


def test_a_weight_that_a_fused_attention_passes_over_is_named(tokenizer):
    model = build("BertForMaskedLM", "sdpa")
    with torch.no_grad():
        model.bert.encoder.layer[0].attention.self.query.weight[0, 0] = torch.nan
    with pytest.raises(sw.SemiringWidgetsError, match=r"parameter 'bert\.encoder.*query\.weight' holds NaN"):
        sw.explain(model, tokenizer, TEXT, target=7)


def test_what_is_alive_is_neither_pickled_nor_copied(tokenizer, tmp_path):
    model = build("BertForMaskedLM")
    told = sw.explain(model, tokenizer, TEXT, target=7)
    job = ExplanationJob(explain_run(model, tokenizer, TEXT, 7))
    with sw.record() as tape:
        torch.ones(2).exp()
    job.result(timeout=60)
    for alive, says in ((told, r"explanation\.save"), (told.session, "save"), (job, "save"), (tape, "Save")):
        for make in (pickle.dumps, copy.deepcopy):
            with pytest.raises(sw.SemiringWidgetsError, match=says):
                make(alive)
    told.save(tmp_path / "told.nc")
    loaded = sw.load(tmp_path / "told.nc")
    compared = sw.compare(model, tokenizer, TEXT, target=7, methods=["Saliency"])
    for data in (loaded, compared):
        for again in (pickle.loads(pickle.dumps(data)), copy.deepcopy(data)):
            assert again.score == data.score
            assert again.dataset.identical(data.dataset)
