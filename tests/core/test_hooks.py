"""Hooks on gradients, in a forward or on what it uses: the sum agrees with autograd, or is refused."""

import pytest
import torch
from torch import nn
from torch.nn.modules import module as modules

import semiring_widgets as sw
from semiring_widgets.errors import UnsupportedOpError


class Hooked(nn.Module):
    """Two layers, and something done to what is between them."""

    def __init__(self, act=lambda h: None):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last, self.act = nn.Linear(3, 3), nn.Linear(3, 1), act

    def forward(self, x):
        h = torch.tanh(self.first(x))
        self.act(h)
        return self.last(h).sum()


def gradient(model, x):
    with sw.record() as tape:
        score = model(x)
    return sw.backprop(tape, score, wrt=x).value


def look(*given):
    return None


IN_THE_FORWARD = {
    "register_hook": lambda h: h.register_hook(lambda grad: grad * 3),
    "retain_grad": lambda h: h.retain_grad(),
    "register_post_accumulate_grad_hook": lambda h: h.register_post_accumulate_grad_hook(look),
    "grad_fn.register_hook": lambda h: h.grad_fn.register_hook(look),
    "grad_fn.next_functions": lambda h: h.grad_fn.next_functions,
}
OUTSIDE = {
    "full": lambda model: model.first.register_full_backward_hook(look),
    "full before": lambda model: model.first.register_full_backward_pre_hook(look),
    "old": lambda model: model.first.register_backward_hook(look),
    "all": lambda model: modules.register_module_full_backward_hook(look),
    "all before": lambda model: modules.register_module_full_backward_pre_hook(look),
}


@pytest.mark.parametrize("name", IN_THE_FORWARD)
@pytest.mark.parametrize("requires", [False, True])
def test_in_a_forward(name, requires):
    x = torch.ones(2, 3, requires_grad=requires)
    with pytest.raises(UnsupportedOpError, match=rf"calls .*{name},? .*but while it is recorded"):
        gradient(Hooked(IN_THE_FORWARD[name]), x)


@pytest.mark.parametrize("name", OUTSIDE)
def test_on_modules(name):
    model, x = Hooked(), torch.ones(2, 3)
    handle = OUTSIDE[name](model)
    words = "for all modules" if name.startswith("all") else r"Module 'first' \(Linear\)"
    try:
        with pytest.raises(UnsupportedOpError, match=rf"{words}.*\(look\).*Remove it for the recording"):
            gradient(model, x)
    finally:
        handle.remove()
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(model(leaf), leaf)
    torch.testing.assert_close(gradient(model, x), expected)


def test_on_the_input():
    model, x = Hooked(), torch.ones(2, 3, requires_grad=True)
    handle = x.register_hook(lambda grad: grad * 3)
    with pytest.raises(UnsupportedOpError, match=r"has a hook .* that may change its gradient"):
        gradient(model, x)
    handle.remove()
    (expected,) = torch.autograd.grad(model(x), x)
    torch.testing.assert_close(gradient(model, x), expected)


@pytest.mark.parametrize("act", [
    lambda h: h.requires_grad_(),
    lambda h: h.retain_grad() if h.requires_grad else None,
    lambda h: torch.autograd.graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t * 0).__enter__(),
], ids=["requires_grad_", "asked", "saved"])  # fmt: skip
def test_what_changes_no_gradient(act):
    x = torch.ones(2, 3)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(Hooked()(leaf), leaf)
    model = Hooked(act)
    # An accumulated gradient is nobody's derivative.
    model.first.weight.register_post_accumulate_grad_hook(look)
    try:
        torch.testing.assert_close(gradient(model, x), expected)
    finally:
        while torch._C._autograd._top_saved_tensors_default_hooks(True) is not None:
            torch._C._autograd._pop_saved_tensors_default_hooks()


def test_without_gradients_hooks_do_not_matter():
    class Encoder(Hooked):
        def forward(self, x):
            with torch.no_grad():
                shift = self.first(x)
            return self.last(x + shift).sum()

    model, x = Encoder(), torch.ones(2, 3)
    model.first.register_full_backward_hook(look)
    torch.testing.assert_close(gradient(model, x), model.last.weight.expand(2, 3))


def test_backward_inside_is_refused():
    x = torch.ones(2, 3)
    for act in (lambda h: h.sum().backward(), lambda h: torch.autograd.backward(h.sum())):
        with pytest.raises(UnsupportedOpError, match="no autograd graph is built"):
            gradient(Hooked(act), x)
