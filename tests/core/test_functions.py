"""`torch.autograd.Function`s: autograd's numbers, whatever their backward does; or refused."""

import pytest
import torch
from torch import nn
from torch.autograd import Function
from torch.utils.checkpoint import checkpoint

import semiring_widgets as sw


def numbers(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(7))


class Straight(Function):
    """Rounds; passes the gradient as if it had not."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


class Reversed(Function):
    """The identity itself; turns the gradient round."""

    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


class Swish(Function):
    """Keeps its input for an honest backward."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        gate = torch.sigmoid(x)
        return grad * (gate + x * gate * (1 - gate))


class Affine(Function):
    """Honest, of several inputs, in the newer style."""

    @staticmethod
    def forward(x, weight, bias=None):
        return x @ weight if bias is None else x @ weight + bias

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[:2])
        ctx.biased = inputs[2] is not None

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        return grad @ weight.mT, x.mT @ grad, grad.sum(0) if ctx.biased else None


class Several(Function):
    """Several results, of which one is a number nobody may differentiate; its second gradient is scaled."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        largest = x.amax()
        ctx.mark_non_differentiable(largest)
        return x @ y, x.argmax(-1), largest, x * 2

    @staticmethod
    def backward(ctx, product, argmax, largest, double):
        x, y = ctx.saved_tensors
        return product @ y.mT + 2 * double, 3 * (x.mT @ product)


class Sharpened(Function):
    """A softmax with another temperature in its backward: it treats rows alone, but not elements."""

    @staticmethod
    def forward(ctx, x):
        weights = x.softmax(-1)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(ctx, grad):
        (weights,) = ctx.saved_tensors
        return 2 * weights * (grad - (grad * weights).sum(-1, keepdim=True))


class Mixed(Function):
    """Its backward mixes everything with everything."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, grad):
        return grad.cumsum(0).cumsum(1).flip(0)


class Clipped(Function):
    """No derivative of anything: what it gives is not linear in what it gets."""

    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, grad):
        return grad.clamp(-1, 1)


class Noisy(Function):
    """Draws random numbers that a second call would not draw again."""

    @staticmethod
    def forward(ctx, x):
        noise = torch.rand_like(x)
        ctx.save_for_backward(noise)
        return x * noise

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0]


class Captured(Function):
    """Uses a tensor that is no argument: a constant for autograd."""

    @staticmethod
    def forward(ctx, x, others):
        ctx.factor = others[0]
        return x * others[0]

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


class Overwriting(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


class Reversible(Function):
    """Runs its layer again in the backward, and `backward` of that."""

    @staticmethod
    def forward(ctx, x, layer):
        ctx.layer = layer
        ctx.save_for_backward(x)
        return layer(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            torch.autograd.backward(ctx.layer(x), grad)
        return x.grad, None


class Broken(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        raise NotImplementedError("not today")


X, W = numbers(4, 5), numbers(5, 3)
straight = Straight.apply  # taken long before any recording


def several(x, w):
    product, places, largest, double = Several.apply(x, w)
    return (product**2).sum() + (double * x).sum() + places.sum() * largest


def nested(x):
    return Swish.apply(straight(x * 3) * x).tanh()


CALLS = {
    "straight": (lambda x, w: ((straight(x * 2) * x) @ w).sum(), 1),
    "reversed": (lambda x, w: (Reversed.apply(x @ w, 0.5) ** 3).sum(), 1),
    "reversed input": (lambda x, w: ((Reversed.apply(x, 2.0) * x.detach()) @ w).sum(), 1),
    "honest": (lambda x, w: (Swish.apply(x * 2) @ w).sum(), 0),
    "affine": (lambda x, w: (Affine.apply(x, w, w[0]) ** 2).sum(), 0),
    "affine without bias": (lambda x, w: (Affine.apply(x, w) ** 2).sum(), 0),
    "used twice": (lambda x, w: (Several.apply(x @ w, (x @ w).mT)[0] ** 2).sum(), 1),
    "several results": (several, 1),
    "rows": (lambda x, w: (Sharpened.apply(x * 2) @ w).square().sum(), 1),
    "dense": (lambda x, w: (Mixed.apply(x * 2) @ w).square().sum(), 1),
    "captured": (lambda x, w: (Captured.apply(x @ w, [w[0] * 2]) * w[0]).sum(), 0),
    "constant": (lambda x, w: (x * Swish.apply(x).detach()).sum() + (w * w).sum(), 0),
    "nested": (lambda x, w: nested(x @ w).sum(), 1),
    "checkpoint": (lambda x, w: checkpoint(nested, x @ w, use_reentrant=False).sum(), 1),
    "reentrant checkpoint": (lambda x, w: checkpoint(nested, x @ w, use_reentrant=True).sum(), 1),
}


def gradients(call, *inputs):
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    call(*leaves).backward()
    return [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]


@pytest.mark.parametrize(("call", "blocks"), CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_sum_is_what_autograd_gives(call, blocks, dtype):
    inputs = [X.to(dtype), W.to(dtype)]
    with sw.record() as tape:
        score = call(*inputs)
    for result, expected in zip(sw.backprop(tape, score, wrt=inputs), gradients(call, *inputs), strict=True):
        tolerance = 2e-6 * float(expected.abs().max())
        torch.testing.assert_close(result.value, expected, rtol=0, atol=tolerance)
    assert sum("Function" in op.name for op in tape.ops) == blocks


def test_an_honest_function_has_the_paths_of_its_operators():
    masses = []
    for step in (Swish.apply, lambda x: x * torch.sigmoid(x)):
        with sw.record() as tape:
            score = (step(X) @ W).sum()
        result = sw.backprop(tape, score, wrt=X, semiring="entropy")
        masses.append((result.log_mass, result.entropy))
    torch.testing.assert_close(masses[0], masses[1])


def test_any_other_is_one_step():
    with sw.record() as tape:
        score = straight(X).sum()
    assert torch.equal(sw.backprop(tape, score, wrt=X, semiring="count").count, torch.zeros(4, 5))
    with sw.record() as tape:
        score = Sharpened.apply(X)[0, 0]
    assert torch.equal(sw.backprop(tape, score, wrt=X, semiring="count").count[0], torch.zeros(5))
    path = sw.top_paths(tape, score, wrt=X, k=1)[0]
    assert "Sharpened" in path.steps[0].op


def test_random_numbers_are_drawn_once():
    with sw.record() as tape:
        torch.manual_seed(3)
        score = Noisy.apply(X).sum()
        after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(sw.backprop(tape, score, wrt=X).value, torch.rand(4, 5))
    assert torch.equal(after, torch.rand(1))


def test_half_precision():
    x, w = X.bfloat16(), W.bfloat16()
    with sw.record() as tape:
        score = (Sharpened.apply(x) @ w).float().square().sum()
    (expected, _) = gradients(lambda x, w: (Sharpened.apply(x) @ w).float().square().sum(), x, w)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, expected, rtol=0.05, atol=0.02)


def test_inference_mode_and_other_threads():
    with torch.inference_mode():
        x = X.clone()
        with sw.record() as tape:
            score = (straight(x) * x).sum()
    assert torch.equal(sw.backprop(tape, score, wrt=x).value, X.round() + X)
    # What a recording has changed in PyTorch is back in its place.
    assert torch.equal(gradients(lambda x: straight(x).sum(), X)[0], torch.ones(4, 5))


def test_without_grad_it_is_a_constant():
    def call(x):
        with torch.no_grad():
            fixed = straight(x)
        return (x * fixed).sum()

    with sw.record() as tape:
        score = call(X)
    assert torch.equal(sw.backprop(tape, score, wrt=X).value, X.round())


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(5, 5)

    def forward(self, x):
        return Clipped.apply(self.inner(x))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Layer(), "'Clipped'.*not linear"),
        (Overwriting.apply, "'Overwriting'.*writes in place.*clone"),
        (Broken.apply, "'Broken'.*not today"),
        (lambda x: Mixed.apply(x.repeat(800, 4)), "'Mixed'.*4,096,000,000 entries"),
    ],
)
def test_what_has_no_local_derivative_is_refused(call, words):
    def explain(x):
        with sw.record() as tape:
            score = call(x * 2).sum()
        return sw.backprop(tape, score, wrt=x)

    with pytest.raises(sw.SemiringWidgetsError, match=words):
        explain(X)


def test_gradients_of_parameters_stay_untouched():
    layer = nn.Linear(5, 5)
    with sw.record() as tape:
        score = Reversible.apply(X * 2, layer).sum()
    with pytest.raises(sw.SemiringWidgetsError, match=r"'Reversible' calls backward\(\)"):
        sw.backprop(tape, score, wrt=X)
    assert layer.weight.grad is None
    gradients(lambda x: Reversible.apply(x, layer).sum(), X)
    assert layer.weight.grad is not None
