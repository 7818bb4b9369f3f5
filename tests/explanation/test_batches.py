"""One score an example: every text of a batch, padded or not, has the numbers that it has alone."""

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.effect_frames import rank_correlations

TEXTS = [
    "The keys to the cabinet [MASK] on the table.",
    "The key to the cabinets [MASK] here.",
    "The boys near the car [MASK] very tall now, too.",
]
PLACE = ["kind", "stream", "layer", "head", "token"]


def bert():
    model, tokenizer = sw.load_demo()
    read = tokenizer(TEXTS, padding=True, return_tensors="pt")
    at = (read.input_ids == tokenizer.mask_token_id).nonzero()[:, 1]
    return model, read.input_ids, read.attention_mask, at


def causal(kind, config):
    torch.manual_seed(0)
    model = kind(config).eval()
    words = torch.randint(0, 50, (3, 7))
    mask = (torch.arange(7) < torch.tensor([[5], [7], [6]])).long()
    return model, words, mask, mask.sum(1) - 1


CASES = {
    "BERT": bert,
    "GPT-2": lambda: causal(
        GPT2LMHeadModel, GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=16)
    ),
    # Two query heads share keys and values.
    "Llama": lambda: causal(
        LlamaForCausalLM,
        LlamaConfig(
            vocab_size=50,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
        ),
    ),
}


class Batch:
    """Texts of several lengths in one batch, and the same question about one of them."""

    def __init__(self, model, words, mask, at):
        self.model, self.words, self.mask, self.at = model, words, mask, at
        self.lengths = mask.sum(1).tolist()

    def recorded(self, one=None):
        rows = slice(None) if one is None else slice(one, one + 1)
        words, mask, at = self.words[rows], self.mask[rows], self.at[rows]
        if one is not None:
            words, mask = words[:, : self.lengths[one]], mask[:, : self.lengths[one]]
        x = self.model.get_input_embeddings()(words).detach()
        with sw.record() as tape:
            logits = self.model(inputs_embeds=x, attention_mask=mask).logits
            every = torch.arange(len(at))
            score = logits[every, at, 7] - logits[every, at, 9]
        return tape, score, x


@pytest.fixture(scope="module", params=CASES)
def batch(request):
    return Batch(*CASES[request.param]())


@pytest.mark.parametrize("steps", [None, 2])
def test_effects(batch, steps):
    tape, score, x = batch.recorded()
    ask = {"kind": ["tokens", "heads", "mlps", "layers"], "reference": "zero", "steps": steps}
    found = sw.effects(tape, score, x, **ask)
    alone = [sw.effects(*batch.recorded(one), **ask) for one in range(3)]
    wanted = pd.concat([own.assign(example=one) for one, own in enumerate(alone)])
    both = wanted.merge(found, on=[*PLACE, "example"], suffixes=("", "_in_batch"))
    assert len(both) == len(wanted)
    scale = wanted[["effect", "contribution"]].abs().max().max()
    for what in ("before", "after", "effect", "contribution"):
        assert np.allclose(both[what], both[f"{what}_in_batch"], rtol=1e-4, atol=2e-5 * scale)
    assert both.effect.abs().max() > 1e-3
    # Padding does nothing.
    padded = found[found.token >= found.example.map(dict(enumerate(batch.lengths)))]
    assert len(padded)
    assert padded[["effect", "contribution"]].abs().max().max() < 1e-5 * scale
    estimated = sw.contributions(tape, score, x, **ask)
    assert estimated.contribution.tolist() == found.contribution.tolist()


def test_correlations_are_means_over_the_texts():
    rows = {"kind": ["head"] * 6, "example": [0, 0, 0, 1, 1, 1]}
    table = pd.DataFrame({**rows, "effect": [1, 2, 3] * 2, "contribution": [1, 2, 3, 3, 2, 1]}, dtype=object)
    assert rank_correlations(table.astype({"effect": float, "contribution": float})) == {"head": 0.0}


def test_flow(batch):
    tape, score, x = batch.recorded()
    found = sw.flow(tape, score, x)
    assert found.sizes["example"] == 3
    assert not any(name.startswith("map") for name in found)
    for one, length in enumerate(batch.lengths):
        alone = sw.flow(*batch.recorded(one), maps=False)
        own = found.isel(example=one)
        assert own.attrs["log_mass"][one] == pytest.approx(alone.attrs["log_mass"], abs=1e-4)
        assert set(alone) == set(own)
        for name in alone:
            here = own[name].isel(token=slice(length)) if "token" in own[name].dims else own[name]
            assert here.dims == alone[name].dims
            np.testing.assert_allclose(here.values, alone[name].values, rtol=2e-3, atol=2e-4, err_msg=name)


def test_what_is_told_of_one_text_is_refused(batch):
    tape, score, x = batch.recorded()
    with pytest.raises(InputError, match="give maps=False, or score"):
        sw.flow(tape, score, x, maps=True)
    with pytest.raises(InputError, match="some of the paths are told of one example"):
        sw.flow(tape, score, x, through={"layer": 0, "head": 1})
    with pytest.raises(InputError, match="a test is about one number"):
        sw.test(tape, score, [({"token": 1}, "zero")], wrt=x)


def test_scores_of_one_text_are_no_batch():
    x = torch.randn(1, 3, 4)
    with sw.record() as tape:
        scores = (x * x).sum(1)[0]
    with pytest.raises(
        InputError, match=r"score has 4 numbers, one an example, and wrt the shape \[1, 3, 4\]"
    ):
        sw.effects(tape, scores, x, reference="zero")


def test_tokens_before_examples_are_not_told_apart():
    torch.manual_seed(0)
    mixing, x = torch.randn(8, 8), torch.randn(2, 5, 8)
    with sw.record() as tape:
        stream = x.transpose(0, 1).contiguous()
        rows = (stream @ mixing).reshape(5, 2 * 2, 4).transpose(0, 1)
        context = torch.bmm(torch.bmm(rows, rows.mT).softmax(-1), rows)
        stream = stream + context.transpose(0, 1).reshape(5, 2, 8)
        score = stream.pow(2).sum((0, 2))
    for ask in (sw.flow, lambda *asked: sw.effects(*asked, reference="zero")):
        with pytest.raises(InputError, match="does not hold its examples one after the other"):
            ask(tape, score, x)
