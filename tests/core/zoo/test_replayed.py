"""Every architecture: its tape run again gives its score, and with other inputs what the model gives."""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.replay import Program, run, run_batched
from semiring_widgets.errors import UnsupportedOpError
from tests.core.zoo.feeding import feed, weigh
from tests.core.zoo.shrinking import build
from tests.core.zoo.table import TABLE

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

SAMPLE = {
    *("BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM", "T5ForConditionalGeneration"),
    *("MixtralForCausalLM", "JetMoeForCausalLM", "MambaForCausalLM", "LongformerForMaskedLM"),
    *("ViTForImageClassification", "SwinForImageClassification", "EomtForUniversalSegmentation"),
    *("Wav2Vec2ForCTC", "CLIPModel", "YosoForMaskedLM"),
}
# Which expert gets a token is read by Python there, so that other inputs may go another way.
GOES_ANOTHER_WAY = {"JetMoeForCausalLM", "LongcatFlashForCausalLM"}


def check(row):
    model = build(row.name, "eager", **row.changes)
    inputs, call = feed(row.kind, model)
    with sw.record() as tape:
        score = weigh(call(inputs))
    nodes = [tape.first_node(x) for x in inputs]
    program = Program(tape, tape.node(score))

    def again(many):
        with torch.no_grad(), full_precision():
            alone = [run(program, one).get(program.score, program.score.value) for one in many]
            return torch.stack(alone), run_batched(program, many)

    # Where a model lays out its numbers in memory otherwise than the tape, kernels sum in another order.
    same, _ = again([{node: node.value.clone() for node in nodes}])
    torch.testing.assert_close(same[0], score.detach(), rtol=1e-5, atol=1e-6)
    generator = torch.Generator().manual_seed(5)
    others = [[x + torch.randn(x.shape, generator=generator) * x.std() for x in inputs] for _ in range(3)]
    with torch.no_grad():
        expected = torch.stack([weigh(call(one)) for one in others])
    many = [dict(zip(nodes, one, strict=True)) for one in others]
    if row.name in GOES_ANOTHER_WAY:
        with pytest.raises(UnsupportedOpError, match="another way"):
            again(many)
        return
    alone, together = again(many)
    torch.testing.assert_close(alone, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("row", [row for row in TABLE if row.name in SAMPLE], ids=lambda row: row.name)
def test_some(row):
    check(row)


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in TABLE if row.name not in SAMPLE], ids=lambda row: row.name)
def test_all_others(row):
    check(row)
