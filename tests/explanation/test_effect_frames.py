"""`sw.effects` and `sw.contributions`: rows of core as tables, rank correlations, and what misleads."""

import math

import pandas as pd
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.effects import effect_rows, saturated
from semiring_widgets.explanation.effect_frames import rank_correlations

PLACES = ["kind", "stream", "layer", "head", "token", "stand_in"]


@pytest.fixture(scope="module")
def question():
    model, tokenizer = sw.load_demo()
    words = tokenizer("The keys to the cabinet [MASK] on the table.", return_tensors="pt").input_ids
    x = model.get_input_embeddings()(words).detach()
    good, bad = tokenizer.convert_tokens_to_ids(["are", "is"])
    with sw.record() as tape:
        logits = model(inputs_embeds=x).logits[0, words[0].tolist().index(tokenizer.mask_token_id)]
        score = logits[good] - logits[bad]
    mask = model.get_input_embeddings()(torch.tensor(tokenizer.mask_token_id)).detach()
    return tape, score, x, mask.expand_as(x)


def test_the_table_has_the_rows(question):
    found = sw.effects(*question)
    rows = effect_rows(*question)
    assert list(found) == [*PLACES, "effect", "contribution", "before", "after", "saturated"]
    assert len(found) == len(rows)
    for row, own in zip(rows, found.to_dict("records"), strict=True):
        for name, value in row.items():
            if name == "example":
                continue
            assert pd.isna(own[name]) if value is None else own[name] == value
    assert found.saturated.tolist() == saturated(rows)
    assert found.saturated.any()
    assert not found.saturated.all()
    assert {str(found[name].dtype) for name in PLACES[1:]} == {"Int64"}


def test_contributions_are_those_of_the_table(question):
    found = sw.contributions(*question, kind=["heads", "layers"])
    assert list(found) == [*PLACES, "contribution"]
    assert found.kind.unique().tolist() == ["head", "layer"]
    heads = sw.effects(*question, kind="heads")
    pd.testing.assert_series_equal(found.contribution[found.kind == "head"], heads.contribution)


def test_rank_correlations(question):
    found = sw.effects(*question)
    told = found.attrs["rank_correlation"]
    assert list(told) == ["token", "head", "mlp"]
    heads = found[found.kind == "head"]
    ranks = [heads[name].to_numpy().argsort().argsort() for name in ("effect", "contribution")]
    apart = ((ranks[0] - ranks[1]) ** 2).sum()
    n = len(heads)
    assert told["head"] == pytest.approx(1 - 6 * apart / (n * (n * n - 1)))
    assert told["head"] > 0.5
    ties = pd.DataFrame(
        {"kind": ["a"] * 4 + ["b"], "effect": [1, 1, 2, 3, 1.0], "contribution": [1, 2, 2, 4, 1.0]}
    )
    # Ranks 1.5 1.5 3 4 and 1 2.5 2.5 4.
    assert rank_correlations(ties)["a"] == pytest.approx(3.75 / 4.5)
    assert math.isnan(rank_correlations(ties)["b"])


@pytest.mark.parametrize(("effect", "contribution", "expected"), [
    (1.0, 1.0, False), (1.0, 0.51, False), (1.0, 0.49, True), (1.0, -1.0, True), (1.0, 2.1, True),
    (0.05, -0.05, False), (0.05, 2.0, True), (None, 5.0, False),
])  # fmt: skip
def test_where_an_estimate_misleads(effect, contribution, expected):
    """Beside a part with the effect 1, of what matters, a tenth of it."""
    row = {"kind": "head", "example": 0, "effect": effect, "contribution": contribution}
    large = {"kind": "head", "example": 0, "effect": -1.0, "contribution": -1.0}
    other = {"kind": "token", "example": 0, "effect": 100.0, "contribution": 100.0}
    assert saturated([row, large, other]) == [expected, False, False]
    elsewhere = {**other, "kind": "head", "example": 1}
    assert saturated([row, large, elsewhere])[0] == expected
