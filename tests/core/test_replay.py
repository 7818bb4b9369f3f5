"""Running a tape again with other numbers: as the program itself would run with them."""

import pytest
import torch
from torch import nn
from torch.autograd import Function

import semiring_widgets as sw
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.replay import Program, run, run_batched
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import TapeError, UnsupportedOpError
from tests.core.test_exact import FUNCTIONS
from tests.core.test_exact import X as SMALL
from tests.core.test_programs import SITUATIONS, X, changing_mask, moving_position, shifted_within_itself

# It copies a memory onto a part of itself, which PyTorch leaves undefined.
PROGRAMS = [f for f in (*SITUATIONS, moving_position) if f is not shifted_within_itself]
CASES = [(f, X) for f in PROGRAMS] + [(f, SMALL) for f in FUNCTIONS]


def recorded(function, x, granularity="primitive"):
    with sw.record(granularity) as tape:
        score = function(x)
    return Program(tape, tape.node(score)), tape.first_node(x), score.detach()


def replay(program, replaced):
    with torch.no_grad(), full_precision():
        return run(program, replaced).get(program.score, program.score.value)


def other(shape, seed, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("granularity", ["primitive", "operator", "paper"])
@pytest.mark.parametrize(("function", "x"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_a_program_runs_again_with_other_numbers(function, x, granularity):
    program, node, score = recorded(function, x.clone(), granularity)
    assert torch.equal(replay(program, {node: x}), score)
    for seed in range(3):
        y = other(x.shape, seed)
        with torch.no_grad():
            expected = function(y.clone())
        torch.testing.assert_close(
            replay(program, {node: y}), expected, rtol=1e-12, atol=1e-12, equal_nan=True
        )


@pytest.mark.parametrize(("function", "x"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_many_at_once_are_each_alone(function, x):
    program, node, _ = recorded(function, x.clone())
    inside = [slot for step in program.steps for slot in step.gives if isinstance(slot, Node)]
    many = [{node: other(x.shape, seed)} for seed in range(3)]
    many += [{one: other(one.shape, 7, one.dtype)} for one in inside[::2]]
    many.append({one: other(one.shape, 9, one.dtype) for one in (inside[0], inside[-1])})
    before = {one: one.value.clone() for one in inside}
    with torch.no_grad(), full_precision():
        together = run_batched(program, many)
        in_small_chunks = run_batched(program, many, limit=1)
    alone = torch.stack([replay(program, replaced) for replaced in many])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12, equal_nan=True)
    torch.testing.assert_close(in_small_chunks, alone, rtol=1e-12, atol=1e-12, equal_nan=True)
    assert all(torch.equal(one.value.nan_to_num(), value.nan_to_num()) for one, value in before.items())


def by_a_mask(x):
    return (x * (x > 0.2)).sum() + torch.where(x.abs() > 1, x, 0 * x).sum()


def by_the_largest(x):
    values, places = x.topk(2, -1)
    return (values * x.gather(1, places.flip(-1))).sum() + x[torch.arange(3), x.argmax(-1)].prod()


def by_one_hot(x):
    chosen = nn.functional.one_hot(x.argmax(-1), 4).to(x.dtype)
    return (chosen * x * x).sum()


def by_a_written_mask(x):
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[:, 1:] = x[:, 1:] > 0
    return (x * mask).sum() + (x * ~mask[:2].repeat(2, 1)[:3]).sin().sum()


def by_places_written_through_a_view(x):
    order = x[0].argsort()
    places = torch.empty_like(order)
    places[order] = torch.arange(4)
    return (x[1] * x[2][places]).sum()


def by_detached_numbers(x):
    y = x.detach() * 2
    y[0] = x.detach()[1]
    return (x * y / x.detach().norm()).sum()


def by_a_cast_mask(x):
    return (x * (x > 0).double().cumsum(-1)).sum()


def with_large_exponents(x):
    return torch.softmax(x * 400, -1)[0].square().sum() + torch.logsumexp(x * 900, -1).sum()


BESIDE = [
    *(by_a_mask, by_the_largest, by_one_hot, by_a_written_mask, by_places_written_through_a_view),
    *(by_detached_numbers, by_a_cast_mask, with_large_exponents),
]


@pytest.mark.parametrize("function", BESIDE, ids=lambda f: f.__name__)
def test_what_is_no_path_follows_too(function):
    """Masks, indices and detached numbers are constants to the derivative, and not to the numbers."""
    program, node, score = recorded(function, X.clone())
    assert torch.equal(replay(program, {node: X}), score)
    others = [other(X.shape, seed) for seed in range(4)]
    expected = torch.stack([function(y.clone()) for y in others])
    alone = torch.stack([replay(program, {node: y}) for y in others])
    torch.testing.assert_close(alone, expected, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(expected, score.expand_as(expected))
    with torch.no_grad(), full_precision():
        together = run_batched(program, [{node: y} for y in others])
    torch.testing.assert_close(together, expected, rtol=1e-12, atol=1e-12)


def read_by_item(x):
    return (x * x).sum() if (x.sum() > 0).item() else x.sum()


def read_by_tolist(x):
    counts = (x > 0).sum(-1).tolist()
    return sum((row[:count] ** 2).sum() for row, count in zip(x, counts, strict=True))


def chosen_by_shape(x):
    return (x[x > 0] ** 2).sum()


@pytest.mark.parametrize("function", [read_by_item, read_by_tolist, chosen_by_shape, changing_mask])
def test_what_goes_another_way_is_refused(function):
    program, node, score = recorded(function, X.clone())
    longer = X * 1.5
    # A mask that is written twice is not followed at all.
    if function is not changing_mask:
        assert torch.equal(replay(program, {node: X}), score)
        torch.testing.assert_close(replay(program, {node: longer}), function(longer))
    with pytest.raises(UnsupportedOpError, match=r"another way|another shape|gives the shape"):
        replay(program, {node: -X})
    with pytest.raises(UnsupportedOpError), torch.no_grad(), full_precision():
        run_batched(program, [{node: longer}, {node: -X}])


def test_what_was_drawn_stays():
    x = X.clone()

    def drop(y):
        torch.manual_seed(3)
        return (nn.functional.dropout(y, 0.4, training=True) ** 2 * (y + torch.rand_like(y))).sum()

    program, node, score = recorded(drop, x)
    assert torch.equal(replay(program, {node: x}), score)
    torch.testing.assert_close(replay(program, {node: X * 2}), drop(X * 2))


class Rounded(Function):
    """A straight-through estimator: one operator of the tape."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Noisy(Function):
    """Draws inside."""

    @staticmethod
    def forward(ctx, x):
        return x + torch.rand_like(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def test_steps_with_a_backward_of_their_own():
    program, node, _ = recorded(lambda x: (Rounded.apply(x * 3) * x).sum(), X.clone())
    y = other(X.shape, 1)
    torch.testing.assert_close(replay(program, {node: y}), ((y * 3).round() * y).sum())
    with torch.no_grad(), full_precision():
        both = run_batched(program, [{node: y}, {node: X}])
    torch.testing.assert_close(both, torch.stack([((z * 3).round() * z).sum() for z in (y, X)]))
    program, node, _ = recorded(lambda x: (Noisy.apply(x) * x).sum(), X.clone())
    with pytest.raises(UnsupportedOpError, match="draws random numbers inside"):
        replay(program, {node: y})


def test_half_precision_is_widened_where_it_was():
    def norm(x):
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True))).to(x.dtype).sum()

    x = X.bfloat16()
    program, node, score = recorded(norm, x)
    assert torch.equal(replay(program, {node: x}), score)
    y = other(X.shape, 2).bfloat16()
    assert torch.equal(replay(program, {node: y}), norm(y))


def released(x):
    for _ in range(6):
        x = torch.tanh(x * 2) * 1.5
    return x.exp().sum()


def test_a_tape_that_released_its_numbers():
    x = X.clone()
    with sw.record(max_memory=600) as tape:
        score = released(x)
    program, node = Program(tape, tape.node(score)), tape.first_node(x)
    assert any(slot.held is None for step in program.steps for slot in step.takes)
    y = other(X.shape, 4)
    torch.testing.assert_close(replay(program, {node: y}), released(y))


def test_shapes_alone_are_not_enough():
    x = X.clone()
    with sw.record(values=False) as tape:
        score = (x * x).exp().sum()
    with pytest.raises(TapeError, match="values=False"):
        sw.test(tape, score, {x: 0.0})


def test_methods_of_others_stay_in_place(monkeypatch):
    """While a recording is open two methods of tensors are wrapped, also those that somebody put there."""
    calls = []

    def numpy(self):
        calls.append(self.shape)
        return original(self)

    original = torch.Tensor.numpy
    monkeypatch.setattr(torch.Tensor, "numpy", numpy)
    x = torch.ones(2)
    with sw.record():
        (x * 2).numpy()
    assert calls == [(2,)]
    assert vars(torch.Tensor)["numpy"] is numpy
    assert "tolist" not in vars(torch.Tensor)
