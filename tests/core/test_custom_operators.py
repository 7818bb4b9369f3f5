"""Operators of `torch.library`, with a backward of their own: autograd's numbers, or a sentence."""

import pytest
import torch
from torch import Tensor
from torch.autograd import Function
from torch.library import Library, custom_op

import semiring_widgets as sw

X = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
NAME = "semiring_widgets_tests"


@custom_op(f"{NAME}::turned", mutates_args=())
def turned(x: Tensor) -> Tensor:
    return x * 2


turned.register_autograd(lambda ctx, grad: -3 * grad)


@custom_op(f"{NAME}::several", mutates_args=())
def several(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return x @ weight, x.argmax(-1)


several.register_autograd(
    lambda ctx, grad, _: (2 * grad @ ctx.given[1].mT, 5 * ctx.given[0].mT @ grad),
    setup_context=lambda ctx, inputs, output: setattr(ctx, "given", inputs),
)


@custom_op(f"{NAME}::clipped", mutates_args=())
def clipped(x: Tensor) -> Tensor:
    return x * 2


clipped.register_autograd(lambda ctx, grad: grad.clamp(-1, 1))


@custom_op(f"{NAME}::noisy", mutates_args=())
def noisy(x: Tensor) -> Tensor:
    return x * torch.rand_like(x)


noisy.register_autograd(lambda ctx, grad: grad)


@custom_op(f"{NAME}::one_way", mutates_args=())
def one_way(x: Tensor) -> Tensor:
    return x * 2


@custom_op(f"{NAME}::doubling", mutates_args={"x"})
def doubling(x: Tensor) -> None:
    x.mul_(2)


class Seven(Function):
    @staticmethod
    def forward(ctx, x):
        with torch._C._AutoDispatchBelowAutograd():
            return torch.ops.semiring_widgets_tests.kernel(x)

    @staticmethod
    def backward(ctx, grad):
        return -7 * grad


LIBRARY = Library(NAME, "FRAGMENT")
LIBRARY.define("kernel(Tensor x) -> Tensor")
LIBRARY.impl("kernel", lambda x: x * 2, "CPU")
LIBRARY.impl("kernel", lambda x: Seven.apply(x), "Autograd")  # noqa: PLW0108
LIBRARY.define("parts(Tensor x) -> Tensor")
LIBRARY.impl("parts", lambda x: x.sin() * 2, "CompositeImplicitAutograd")
OWN = torch.ops.semiring_widgets_tests
AGREE = {
    "a backward of its own": lambda x: turned(x * 2) * x,
    "two arguments": lambda x: several(x, x.mT)[0] ** 2,
    "a kernel for autograd": lambda x: OWN.kernel(x * 2) * x,
    "written as others": lambda x: OWN.parts(x) * x,
    "too large to be written out": lambda x: turned(x.repeat(50, 40)),
}


@pytest.mark.parametrize("call", AGREE.values(), ids=AGREE)
def test_the_sum_is_what_autograd_gives(call):
    leaf = X.clone().requires_grad_()
    (expected,) = torch.autograd.grad(call(leaf).sum(), leaf)
    with sw.record() as tape:
        score = call(X).sum()
    torch.testing.assert_close(sw.backprop(tape, score, wrt=X).value, expected)


@pytest.mark.parametrize(
    ("operator", "words"),
    [
        (clipped, "clipped.*not linear"),
        (noisy, "noisy.*gives another result"),
        (one_way, "one_way.*no autograd formula"),
        (lambda x: doubling(x) or x, "doubling.*writes a tensor in place.*Use one that returns"),
    ],
)
def test_others_are_refused(operator, words):
    def explain():
        with sw.record() as tape:
            score = (operator(X * 2) * X).sum()
        return sw.backprop(tape, score, wrt=X)

    with pytest.raises(sw.SemiringWidgetsError, match=words):
        explain()
