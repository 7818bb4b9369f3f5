"""`explain` of a model that accelerate has spread over memory and disk: the same numbers and hooks."""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import MemoryLimitError
from semiring_widgets.explanation import planning
from semiring_widgets.explanation.models import load_model
from tests.core.zoo.shrinking import build
from tests.explanation.tiny import tokenizer_of

pytest.importorskip("accelerate")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

TEXT = "w10 w11 w12 w13"


@pytest.mark.parametrize("name", ["LlamaForCausalLM", "BertForMaskedLM"])
def test_device_map_auto_changes_no_number(name, tmp_path, monkeypatch):
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
    _refused_where_they_do_not_fit(model, tokenizer, text, tmp_path, monkeypatch)
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


def _refused_where_they_do_not_fit(model, tokenizer, text, folder, monkeypatch):
    """Before the model is run; and just what fits is recorded."""
    elsewhere = [weight for weight in (*model.parameters(), *model.buffers()) if weight.is_meta]
    brought = sum(weight.nbytes for weight in elsewhere)
    half = sum(weight.nbytes // (2 if weight.is_floating_point() else 1) for weight in elsewhere)
    with monkeypatch.context() as patch:
        patch.setattr(model, "forward", None)
        with pytest.raises(MemoryLimitError, match=f"{brought / 1e6:,.1f} MB, and .* max_memory leaves"):
            sw.explain(model, tokenizer, text, "w7", "w8", max_memory=brought - 1)
        patch.setattr(planning, "free_memory", lambda _: brought - 1)
        for ask in (
            lambda: sw.explain(model, tokenizer, text, "w7", "w8"),
            lambda: sw.explain_corpus(model, tokenizer, [{"text": text, "target": "w7"}], out=folder / "out"),
        ):
            less = (
                rf"Load the model with dtype=torch.bfloat16, of which {half / 1e6:,.1f} MB are brought, or "
            )
            with pytest.raises(MemoryLimitError, match=rf"are free on cpu\. {less}with a device_map"):
                ask()
    planning.check_brought(model, brought)


def test_half_precision_is_read_and_spread_as_it_was_saved(tmp_path, monkeypatch):
    """From the folder by name and by device_map, nothing is widened, and numbers are the same."""
    folder = tmp_path / "model"
    build("LlamaForCausalLM", "sdpa").to(torch.bfloat16).save_pretrained(folder)
    tokenizer_of(40).save_pretrained(folder)
    plain, tokenizer = load_model(folder)
    room = sum(weight.nbytes for weight in plain.parameters()) * 3 // 4
    spread = {"max_memory": {"cpu": room}, "offload_folder": tmp_path / "rest"}
    found = [sw.explain(plain, tokenizer, TEXT, "w7", "w8", paths=2)]
    for more in ({}, spread):
        model = type(plain).from_pretrained(folder, device_map="auto", torch_dtype="auto", **more).eval()
        assert any(weight.is_meta for weight in model.parameters()) == bool(more)
        assert {weight.dtype for weight in (*model.parameters(), *plain.parameters())} == {torch.bfloat16}
        found.append(sw.explain(model, tokenizer, TEXT, "w7", "w8", paths=2))
    for variable in found[0].dataset.data_vars:
        for other in found[1:]:
            one, its = (torch.from_numpy(e.dataset[variable].values) for e in (found[0], other))
            torch.testing.assert_close(its, one, rtol=1e-5, atol=1e-6, equal_nan=True)
    # There is nothing narrower to be loaded.
    monkeypatch.setattr(planning, "free_memory", lambda _: 0)
    with pytest.raises(MemoryLimitError, match=r"are free on cpu\. Load the model with a device_map"):
        sw.explain(model, tokenizer, TEXT, "w7", "w8")
