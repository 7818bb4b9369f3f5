"""What is explained is what the model says: one score, one gradient, for every class that reads text."""

import contextlib
import inspect

import pytest
import torch
import transformers

import semiring_widgets as sw
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from tests.core.zoo.row import Row
from tests.core.zoo.shrinking import WORDS, build
from tests.core.zoo.table import MECHANISMS, TABLE
from tests.explanation.tiny import tokenizer_of
from tests.lanes import slow_but

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

TEXT = "w7 w9 [MASK] w8"
IDS = torch.tensor([[2, 7, 9, 4, 8, 3]])
START = torch.tensor([[1]])
ROTARY = {"position_embedding_type": "rotary"}
# The table feeds embeddings; these do more with their ids.
WITH_IDS = [
    Row("EsmForMaskedLM", "embeds", {"token_dropout": True, "mask_token_id": 4}),
    Row("EsmForMaskedLM", "embeds", {"token_dropout": True, "mask_token_id": 4, **ROTARY}),
    Row("MarianMTModel", "seq2seq", {"scale_embedding": True}),
    Row("BartForConditionalGeneration", "seq2seq", {"scale_embedding": True}),
    Row("M2M100ForConditionalGeneration", "seq2seq", {"scale_embedding": True}),
    Row("CTRLLMHeadModel", "embeds"),
    Row("TapasForMaskedLM", "embeds"),
    Row("GPT2DoubleHeadsModel", "embeds"),
    Row("BigBirdForMaskedLM", "embeds", {"attention_type": "block_sparse", "block_size": 2}),
]
READS_TEXT = ("embeds", "seq2seq", "pictured")
# Its ids are the codes of a sound, several to a place.
CODES = ("MusicgenMelodyForCausalLM",)
# They do not go without an image.
NEEDS_IMAGE = ("Blip2ForConditionalGeneration", "InstructBlipForConditionalGeneration")

READERS = [row for row in TABLE if row.kind in READS_TEXT and row.name not in CODES]
ROWS = [*(row for row in READERS if row.name not in NEEDS_IMAGE), *WITH_IDS]


@pytest.mark.slow
def test_all_classes_that_read_text_alone_are_asked():
    def needs_image(row):
        forward = inspect.signature(getattr(transformers, row.name).forward).parameters
        return "pixel_values" in forward and forward["pixel_values"].default is inspect.Parameter.empty

    assert {row.name for row in READERS if needs_image(row)} == set(NEEDS_IMAGE)


def asked_always(row):
    return row in WITH_IDS or row.name in MECHANISMS


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_of(WORDS)


def made(row):
    start = {"decoder_start_token_id": 1} if row.kind == "seq2seq" else {}
    return build(row.name, **start, **row.changes)


def place_of(model):
    """The layer whose output the paths of the first stream start from."""
    if hasattr(model, "canine"):
        return model.canine.char_embeddings
    for name in ("encoder.embed_tokens", "encoder.word_embeddings"):
        for path, part in model.named_modules():
            if path.endswith(name):
                # Encoder-decoders name a table that only lends its weights.
                return part
    return model.get_input_embeddings()


@contextlib.contextmanager
def shifted(model, by):
    """Inside, ``by`` is added to what the first stream's embedding layer gives: a place to derive at."""
    seen = []

    def add(layer, args, output):
        if seen:
            return None
        seen.append(layer)
        vectors = output[0] if isinstance(output, tuple) else output
        # XLNet has examples second, Longformer looks up padding as well.
        turned = vectors.transpose(0, 1) if vectors.shape[0] > 1 else vectors
        padding = turned.new_zeros(1, turned.shape[1] - by.shape[1], by.shape[2])
        moved = turned + torch.cat([by, padding], 1)
        moved = moved.transpose(0, 1) if vectors.shape[0] > 1 else moved
        return (moved, *output[1:]) if isinstance(output, tuple) else moved

    handle = place_of(model).register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()


def real(model, row, reads):
    """The score of the model as its users call it."""
    decoder = {"decoder_input_ids": START} if row.kind == "seq2seq" else {}
    output = model(input_ids=IDS, attention_mask=torch.ones_like(IDS), **decoder)
    return reads(output)


def question_of(row):
    """How `prepare` is asked, and the same read from an output by hand."""
    headless = not any(word in row.name for word in ("For", "Head", "MT"))
    if headless or row.name == "TapasForQuestionAnswering":

        def read(output):
            first = next(iter(output.values()))
            return first[:, 2].reshape(len(first), -1)[:, 0]

        return {"score": read}, read
    if row.kind == "seq2seq":
        return {"target": 7}, lambda output: output.logits[:, 0, 7]
    if "SequenceClassification" in row.name:
        return {"target": 1}, lambda output: output.logits[:, 1]
    target = 1 if "TokenClassification" in row.name else 7
    return {"target": target, "position": 3}, lambda output: output.logits[:, 3, target]


@pytest.mark.parametrize("row", slow_but(ROWS, asked_always), ids=lambda row: row.name)
def test_score_and_gradient_are_those_of_the_call_with_ids(row, tokenizer):
    model = made(row)
    asked, reads = question_of(row)
    prepared = prepare(model, tokenizer, Question(TEXT, **asked))
    by = torch.zeros_like(prepared.inputs_embeds, requires_grad=True)
    with shifted(model, by):
        score = real(model, row, reads)
    (gradient,) = torch.autograd.grad(score.sum(), by)
    scale = float(gradient.abs().max())
    assert scale > 0
    assert prepared.score.value == pytest.approx(float(score), rel=1e-5, abs=1e-6)
    with torch.no_grad(), sw.record() as tape:
        recorded = prepared.run(*prepared.inputs)
    found = sw.backprop(tape, recorded, wrt=prepared.inputs_embeds)
    assert float((found.value - gradient).abs().max()) <= 2e-5 * scale
    # A batch of embeddings is as many texts.
    batch = torch.cat([prepared.baseline_embeds, prepared.inputs_embeds])
    with torch.no_grad():
        scores = prepared.forward(batch)
    assert float(scores[1]) == pytest.approx(prepared.score.value, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", ["BertForMaskedLM", "XLNetLMHeadModel"])
def test_what_hooks_make_of_embeddings_is_in_inputs_and_baseline(name, tokenizer):
    model = build(name)
    model.get_input_embeddings().register_forward_hook(lambda layer, given, gave: 1.5 * gave)
    prepared = prepare(model, tokenizer, Question(TEXT, target=7, position=3))
    with torch.no_grad():
        score = model(input_ids=IDS, attention_mask=torch.ones_like(IDS)).logits[0, 3, 7]
    assert prepared.score.value == pytest.approx(float(score), rel=1e-5)
    # [CLS] stays where words are blanked.
    torch.testing.assert_close(prepared.baseline_embeds[:, 0], prepared.inputs_embeds[:, 0])
