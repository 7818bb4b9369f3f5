"""A model is asked only where it answers the same every time."""

import contextlib
import threading

import pytest
import torch
from torch import nn

import semiring_widgets as sw
from semiring_widgets.explanation.modes import training_modules
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from tests.core.zoo.shrinking import WORDS, build
from tests.explanation.tiny import tokenizer_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

TEXT = "w7 w9 [MASK] w8"


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_of(WORDS)


def test_a_part_in_training_mode_is_named(tokenizer):
    model = build("RobertaForMaskedLM")
    model.roberta.encoder.layer[1].train()
    with pytest.raises(sw.SemiringWidgetsError, match=r"Parts of .*roberta\.encoder\.layer\.1.* more\)"):
        sw.explain(model, tokenizer, TEXT)
    # compare() runs in eval mode, says so, and leaves the model as it was.
    found = [sw.compare(model, tokenizer, TEXT, target=7, methods=["Saliency"]) for _ in range(2)]
    assert found[0].score == found[1].score
    assert found[0].dataset.identical(found[1].dataset)
    assert model.roberta.encoder.layer[1].training
    assert found[0].score == sw.explain(model.eval(), tokenizer, TEXT, target=7).score


class Looking(nn.Linear):
    """Not torch's own: it may look at its mode."""


@pytest.mark.parametrize(
    ("part", "minds"),
    [
        (nn.Dropout(0.1), True),
        (nn.Dropout(0.0), False),
        (nn.AlphaDropout(0.2), True),
        (nn.Dropout1d(0.2), True),
        (nn.RReLU(), True),
        (nn.BatchNorm1d(4), True),
        (nn.SyncBatchNorm(4), True),
        (nn.InstanceNorm1d(4, track_running_stats=True), True),
        (nn.InstanceNorm1d(4), False),
        (nn.GroupNorm(2, 4), False),
        (nn.LSTM(4, 4, 2, dropout=0.1), True),
        (nn.GRU(4, 4), False),
        (nn.MultiheadAttention(4, 2, dropout=0.1), True),
        (nn.MultiheadAttention(4, 2), False),
        (nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)), True),
        (Looking(4, 4), True),
        (nn.Linear(4, 4), False),
        (nn.LayerNorm(4), False),
        (nn.Embedding(4, 4), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else str(value),
)
def test_what_minds_its_mode(part, minds):
    model = nn.ModuleDict({"part": part}).eval()
    assert training_modules(model) == []
    part.train()
    assert bool(training_modules(model)) is minds


def test_dropout_that_no_mode_turns_off(tokenizer):
    model = build("BertForMaskedLM")

    def drop(layer, args, output):
        return nn.functional.dropout(output, 0.3, training=True)

    model.bert.encoder.layer[0].output.dense.register_forward_hook(drop)
    for call in (sw.explain, sw.compare):
        with pytest.raises(sw.SemiringWidgetsError, match=r"once more.*random numbers.*or keeps something"):
            call(model, tokenizer, TEXT, target=7)


def test_a_model_that_keeps_something_from_call_to_call(tokenizer):
    model = build("BertForMaskedLM")
    calls = []

    def grow(layer, args, output):
        calls.append(1)
        return output * (1 + 0.1 * len(calls))

    model.bert.encoder.layer[0].output.dense.register_forward_hook(grow)
    with pytest.raises(sw.SemiringWidgetsError, match="keeps something from one call to the next"):
        sw.explain(model, tokenizer, TEXT, target=7)


def hooks_of(model):
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def test_nothing_is_left_on_the_model(tokenizer):
    model = build("GPT2LMHeadModel")
    sw.explain(model, tokenizer, TEXT)
    for wrong in (lambda output: 1 / 0, lambda output: output.logits):
        with contextlib.suppress(sw.SemiringWidgetsError):
            sw.explain(model, tokenizer, TEXT, score=wrong)
    assert hooks_of(model) == 0


def test_another_thread_that_runs_the_model_gets_its_own_answer(tokenizer):
    model = build("GPT2LMHeadModel")
    prepared = prepare(model, tokenizer, Question(TEXT, target=7))
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        alone = model(input_ids=ids).logits
    found = []

    def other():
        with torch.no_grad():
            found.append(model(input_ids=ids).logits)

    def meanwhile(layer, args, output):
        if not found and threading.current_thread() is threading.main_thread():
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

    model.transformer.h[0].register_forward_hook(meanwhile)
    with torch.no_grad():
        score = prepared.run(*prepared.inputs)
    assert torch.equal(found[0], alone)
    assert float(score) == prepared.score.value
