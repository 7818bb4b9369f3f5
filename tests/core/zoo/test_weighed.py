"""Every architecture under every rule: sums, flow, routes, and errors that say what is not known."""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import UnsupportedOpError
from semiring_widgets.vocabulary import RULES
from tests.core.zoo.feeding import feed, weigh
from tests.core.zoo.shrinking import build
from tests.core.zoo.table import TABLE
from tests.lanes import slow_but

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

WEIGHED = [rules for rules in RULES if rules != "gradient"]
# Post-norm, pre-norm, gated, cross-attention, windows of an image.
FAST = {
    *("BertForMaskedLM", "GPT2LMHeadModel", "DiffLlamaForCausalLM", "T5ForConditionalGeneration"),
    "SwinForImageClassification",
}
# Their attention, or what it samples, is one step with a backward of its own, or no function of elements.
UNKNOWN = {"YosoForMaskedLM", "SEWDForCTC"}
SAMPLED = {"Mask2FormerForUniversalSegmentation"}
# All that enters a linear graph but the embeddings are scales; so all is in the contributions of the tokens.
WITHOUT_BIAS = {"DiffLlamaForCausalLM", "T5ForConditionalGeneration", "FalconH1ForCausalLM"}
# An image is words drawn from a table, by a softmax that a linear graph holds constant: no path is left.
DRAWN = {"Ovis2ForConditionalGeneration"}


def asked(tape, score, inputs, rules):
    """All paths and their sums, or why there are none."""
    try:
        whole = sw.paths(tape, score, inputs, rules=rules)
        return whole, whole.backprop(), ""
    except UnsupportedOpError as error:
        return None, None, str(error)


@pytest.mark.parametrize("row", slow_but(TABLE, lambda row: row.name in FAST), ids=lambda row: row.name)
def test_every_rule(row):
    model = build(row.name, "eager", **row.changes)
    inputs, call = feed(row.kind, model)
    noise = torch.Generator().manual_seed(1)
    reference = [x + 0.1 * torch.randn(x.shape, generator=noise) for x in inputs]
    with sw.record(reference=reference) as tape:
        score = weigh(call(inputs))
    with torch.no_grad():
        difference = float(score - weigh(call(reference)))
    for rules in WEIGHED:
        whole, slopes, refused = asked(tape, score, inputs, rules)
        if whole is None:
            known = row.name in UNKNOWN | SAMPLED and rules != "gim"
            # An expert, an index or a mask may be another one under the reference.
            assert known or (rules == "secant" and "under the reference" in refused), refused
            continue
        if rules == "secant":
            total = sum(
                float(((x - other) * slope.value).double().sum())
                for x, other, slope in zip(inputs, reference, slopes, strict=True)
            )
            # The score itself has no more digits, where it is large (Tapas adds -10,000 for what it masks).
            digits = max(2e-4, 2e-7 * abs(float(score)))
            assert total == pytest.approx(difference, rel=1e-3, abs=digits)
        if rules == "linear" and row.name in WITHOUT_BIAS:
            total = sum(float((x * slope.value).sum()) for x, slope in zip(inputs, slopes, strict=True))
            assert total == pytest.approx(float(score), rel=1e-4)
        assert tuple(part.heads for part in whole.anatomy.attentions) == row.expected
        entropies = whole.backprop("entropy")
        assert all(bool((found.entropy >= -1e-3).all()) for found in entropies)
        if not row.expected:
            continue
        if rules == "linear" and row.name in DRAWN:
            assert float(whole.total("abs").log_mass) == float("-inf")
            continue
        table = sw.flow(whole, maps=False)
        assert table.attrs["rules"] == rules
        assert table.sizes["layer"] == len(row.expected)
        shares = table.head_mass_share.sum(("layer", "head"))
        assert float(shares.sel(kind="value")) > 0
        if rules == "linear":
            assert float(shares.sel(kind=["query", "key"]).sum()) == pytest.approx(0, abs=1e-6)
        (best,) = whole.routes("best", 1)
        assert best.log_weight == pytest.approx(float(whole.total("max").log_weight), rel=1e-4, abs=1e-4)
