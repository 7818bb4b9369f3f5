"""Models under accelerate: weights that are elsewhere until they are needed. Exact, or refused."""

import accelerate
import pytest
import torch

import semiring_widgets as sw
from tests.core.zoo.feeding import normal
from tests.core.zoo.shrinking import build

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

CPU = torch.device("cpu")


def on_one_device(model, folder):
    return accelerate.dispatch_model(model, {"": "cpu"}, force_hooks=True)


def offloaded(model, folder):
    return accelerate.cpu_offload(model, CPU, offload_buffers=True)


def on_disk(model, folder):
    return accelerate.disk_offload(model, folder, CPU)


def split(model, folder):
    names = [name for name, _ in model.named_children()]
    places = {name: "disk" if number else "cpu" for number, name in enumerate(names)}
    return accelerate.dispatch_model(model, places, main_device="cpu", offload_dir=folder)


def loaded(model, folder):
    model.save_pretrained(folder)
    return type(model).from_pretrained(folder, device_map={"": "cpu"}).eval()


def asked(model, x):
    return model(inputs_embeds=x).logits[0, -1, 3]


@pytest.mark.parametrize("way", [on_one_device, offloaded, on_disk, split, loaded])
@pytest.mark.parametrize("name", ["BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM"])
def test_dispatched_models_have_the_paths_of_the_model(name, way, tmp_path):
    plain = build(name, "sdpa")
    x = normal(1, 5, 32)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(asked(plain, leaf), leaf)
    with sw.record() as tape:
        score = asked(plain, x)
    mass = sw.backprop(tape, score, wrt=x, semiring="entropy")
    model = way(build(name, "sdpa"), str(tmp_path))
    with sw.record() as tape:
        score = asked(model, x)
    found = sw.backprop(tape, score, wrt=x).value
    assert float((found - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    again = sw.backprop(tape, score, wrt=x, semiring="entropy")
    torch.testing.assert_close(again.log_mass, mass.log_mass)
    torch.testing.assert_close(again.entropy, mass.entropy)
    if way in (offloaded, on_disk):
        # Brought for the call, and gone again.
        assert all(parameter.is_meta for parameter in model.parameters())


def test_explain_brings_the_weights_where_they_are_needed():
    model, tokenizer = sw.load_demo()
    text = "the keys to the cabinet [MASK] on the table"
    plain = sw.explain(model, tokenizer, text, target="are")
    model, _ = sw.load_demo()
    brought = sw.explain(accelerate.cpu_offload(model, CPU), tokenizer, text, target="are")
    torch.testing.assert_close(
        torch.from_numpy(brought.dataset.token_log_mass.values),
        torch.from_numpy(plain.dataset.token_log_mass.values),
    )


def test_weights_without_numbers_are_refused():
    model = build("BertForMaskedLM").to("meta")
    x = normal(1, 5, 32).to("meta")
    with sw.record() as tape:
        score = asked(model, x)
    with pytest.raises(sw.SemiringWidgetsError, match=r"holds no number.*accelerate"):
        sw.backprop(tape, score, wrt=x)
    demo, tokenizer = sw.load_demo()
    with pytest.raises(sw.SemiringWidgetsError, match="meta device"):
        sw.explain(demo.to("meta"), tokenizer, "the keys [MASK] here")
