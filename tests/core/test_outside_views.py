"""Views that were made before the recording, and written in it: autograd's derivatives, or a sentence."""

import random

import pytest
import torch
from torch import nn

import semiring_widgets as sw
from semiring_widgets.errors import UnsupportedOpError

VIEWS = [
    lambda t: t,
    lambda t: t.unsqueeze(0),
    lambda t: t[:1],
    lambda t: t[..., 1:],
    lambda t: t.transpose(0, -1),
    lambda t: t[::2],
    lambda t: t.detach(),
]


def program(seed, detach, *, start_with_a_write=False):
    """A random function of (x, buffer) -> (views of the buffer, steps over them).

    Args:
        seed: which one.
        detach: whether some of the views are detached.
        start_with_a_write: whether no view is read before a write.
    """
    chance = random.Random(seed)
    kinds = VIEWS if detach else VIEWS[:-1]
    ways = [[chance.choice(kinds) for _ in range(chance.randint(1, 2))] for _ in range(3)]
    actions = [chance.choice(["read", "copy", "scale", "add", "silent"]) for _ in range(7)]
    if start_with_a_write:
        actions[0] = "scale"
    steps = [(action, chance.randrange(len(ways) + 1), chance.uniform(0.5, 2)) for action in actions]

    def views(buffer):
        made = [buffer]
        for way in ways:
            view = buffer
            for kind in way:
                view = kind(view)
            made.append(view)
        return made

    def run(x, shown):
        total = x.sum()
        for action, which, factor in [*steps, *(("read", i, 1.0 + i) for i in range(len(shown)))]:
            view = shown[which]
            match action:
                case "read":
                    now = view.clone()
                    total = total + factor * (now * now).sum()
                case "copy":
                    view.copy_(x[0] * x[1] * factor)
                case "scale":
                    view.mul_(factor * x[0])
                case "add":
                    view.add_(x[1], alpha=factor)
                case "silent":
                    with torch.no_grad():
                        view.mul_(factor)
        return total

    return views, run


def start():
    x = torch.tensor([0.7, -1.3], dtype=torch.float64)
    return x, torch.arange(1.0, 13.0, dtype=torch.float64).reshape(3, 4) / 5


def by_autograd(views, run):
    """Gradients by x and by the buffer as it was at the beginning."""
    x, buffer = (tensor.requires_grad_() for tensor in start())
    return torch.autograd.grad(run(x, views(buffer.clone())), [x, buffer], allow_unused=True)


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_writes_through_views_in_any_order(seed, detach):
    views, run = program(seed, detach=detach)
    expected, _ = by_autograd(views, run)
    x, buffer = start()
    shown = views(buffer)
    with sw.record() as tape:
        score = run(x, shown)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, expected)


@pytest.mark.parametrize("seed", range(40))
def test_paths_from_the_buffer_lead_through_its_views(seed):
    views, run = program(seed, detach=False, start_with_a_write=True)
    _, expected = by_autograd(views, run)
    x, buffer = start()
    shown = views(buffer)
    with sw.record() as tape:
        buffer * 1
        score = run(x, shown)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=buffer).value, expected)


class Cache(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("cache", torch.ones(4, dtype=torch.float64))
        self.head = self.cache[:2]

    def forward(self, x):
        self.head.copy_(x * 3)
        return (self.cache * self.cache).sum()


def test_a_buffer_of_a_module_and_its_view():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    model = Cache()
    with sw.record() as tape:
        score = model(x)
    assert sw.backprop(tape, score, wrt=x).value.tolist() == [18, 36]
    assert sw.backprop(tape, score, wrt=model.cache).value.tolist() == [6, 12, 2, 2]


def test_disjoint_views_are_both_followed_into_the_buffer():
    buffer = torch.tensor([1.0, 2.0, 3.0, 4.0])
    low, high = buffer[:2], buffer[2:]
    with sw.record() as tape:
        before = low.sum() + high.sum()
        low.mul_(3)
        score = (buffer * buffer).sum() + before
    found = sw.backprop(tape, score, wrt=[low, high])
    assert [result.value.tolist() for result in found] == [[19, 37], [7, 9]]


def test_two_leaves_of_one_memory_that_was_written_are_no_inputs():
    x, buffer = torch.tensor(2.0), torch.tensor([1.0, 2.0, 3.0, 4.0])
    low = buffer[:2]
    with sw.record() as tape:
        before = low.sum() + buffer.sum()
        low.mul_(x)
        score = (buffer * buffer).sum() + before
    assert sw.backprop(tape, score, wrt=x).value.item() == 20
    for wrt in (low, buffer):
        with pytest.raises(UnsupportedOpError, match="both were read, and then one was overwritten"):
            sw.backprop(tape, score, wrt=wrt)
