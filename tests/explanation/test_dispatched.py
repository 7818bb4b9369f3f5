"""`explain` of a model that accelerate has spread over memory and disk: the same numbers and hooks."""

import pytest
import torch

import semiring_widgets as sw
from tests.core.zoo.shrinking import build
from tests.explanation.tiny import tokenizer_of

pytest.importorskip("accelerate")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

TEXT = "w10 w11 w12 w13"


@pytest.mark.parametrize("name", ["LlamaForCausalLM", "BertForMaskedLM"])
def test_device_map_auto_changes_no_number(name, tmp_path):
    tokenizer = tokenizer_of(40)
    text = TEXT if name.startswith("Llama") else f"{TEXT} [MASK]"
    plain = build(name, "sdpa")
    plain.save_pretrained(tmp_path / "model")
    room = sum(p.nbytes for p in plain.parameters()) * 3 // 4
    model = (
        type(plain)
        .from_pretrained(
            tmp_path / "model", device_map="auto", max_memory={"cpu": room}, offload_folder=tmp_path / "rest"
        )
        .eval()
    )
    assert "disk" in model.hf_device_map.values()
    hooks = {place: part._hf_hook for place, part in model.named_modules() if hasattr(part, "_hf_hook")}
    elsewhere = {place for place, weight in model.named_parameters() if weight.is_meta}
    assert elsewhere
    expected = sw.explain(plain, tokenizer, text, "w7", "w8", paths=2)
    found = sw.explain(model, tokenizer, text, "w7", "w8", paths=2)
    for variable in expected.dataset.data_vars:
        one, other = (torch.from_numpy(e.dataset[variable].values) for e in (expected, found))
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-6, equal_nan=True)
    again = {place: part._hf_hook for place, part in model.named_modules() if hasattr(part, "_hf_hook")}
    assert again == hooks
    assert {place for place, weight in model.named_parameters() if weight.is_meta} == elsewhere
