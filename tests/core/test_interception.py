"""Calls of Functions are seen wherever they come from; where PyTorch calls them otherwise, it is said."""

import threading
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.autograd import Function
from torch.utils.checkpoint import checkpoint

import semiring_widgets as sw
from semiring_widgets.core.tape import CustomFunction
from semiring_widgets.core.tape.autograd_functions import trial
from semiring_widgets.core.tape.autograd_functions.interception import Interception


class Turned(Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, grad):
        return -grad


class Scaled(Function):
    """Of the newer style, for torch.func as well, with an argument by name."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x, factor=2.0):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx, grad):
        return -3 * ctx.factor * grad, None


class Own(Turned):
    """Puts an `apply` of its own in front."""

    @classmethod
    def apply(cls, x):
        return super().apply(x * 2)


def made_inside(x):
    class Inside(Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return 5 * grad

    return Inside.apply(x) * Inside.apply(x.detach())


turned = Turned.apply  # older than every recording
X = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
WEIGHT = nn.Parameter(torch.ones(3, 4))
CALLS = {
    "taken before": lambda x: turned(x) * x,
    "taken now": lambda x: Turned.apply(x) * x,
    "by name": lambda x: Scaled.apply(x, factor=0.5),
    "a default": Scaled.apply,
    "of a parameter": lambda x: turned(WEIGHT) * x + Scaled.apply(WEIGHT) * turned(x),
    "an apply in front": lambda x: Own.apply(x) * x,
    "made inside": made_inside,
    "twice in a row": lambda x: turned(turned(x)) * Scaled.apply(Scaled.apply(x)),
    "vmap": lambda x: torch.func.vmap(Scaled.apply)(x) * x,
    "grad": lambda x: torch.func.grad(lambda y: Scaled.apply(y**2).sum())(x) * x,
    "a checkpoint": lambda x: checkpoint(turned, x * 2, use_reentrant=False),
    "a checkpoint of another": lambda x: turned(checkpoint(turned, x * 2, use_reentrant=True)),
}


def gradient(call, x):
    leaf = x.detach().clone().requires_grad_()
    call(leaf).sum().backward()
    return leaf.grad


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_calls_are_seen(call):
    try:
        expected = gradient(call, X)
    except TypeError as error:  # of PyTorch 2.8, for arguments by name
        pytest.skip(str(error))
    with sw.record() as tape:
        score = call(X).sum()
    torch.testing.assert_close(sw.backprop(tape, score, wrt=X).value, expected)


@pytest.fixture
def untried(monkeypatch):
    """As in a new process."""
    monkeypatch.setattr(trial._State, "tried", False)


def _in_a_thread(ask):
    found = []
    thread = threading.Thread(target=lambda: found.append(ask()))
    thread.start()
    thread.join()
    return found[0]


def _under(context):
    def run(ask):
        with context():
            return ask()

    return run


@pytest.mark.parametrize(
    "run",
    [
        _in_a_thread,
        _under(torch.no_grad),
        _under(torch.inference_mode),
        _under(lambda: torch.device("meta")),
        _under(lambda: torch.autocast("cpu", torch.bfloat16)),
    ],
    ids=["thread", "no_grad", "inference_mode", "device", "autocast"],
)
def test_the_first_recording_may_be_anywhere(run, untried):
    def ask():
        with sw.record() as tape:
            score = turned(X).sum()
        return tape, score

    tape, score = run(ask)
    assert trial._State.tried
    assert torch.equal(sw.backprop(tape, score, wrt=X).value, torch.full_like(X, -1.0))


def test_another_thread_is_left_alone():
    leaf = X.clone().requires_grad_()
    with sw.record() as tape:
        _in_a_thread(lambda: turned(leaf).sum().backward())
    assert torch.equal(leaf.grad, torch.full_like(X, -1.0))
    assert not tape.ops


def test_a_pytorch_that_calls_them_otherwise_is_refused(untried, monkeypatch):
    monkeypatch.setattr(Interception, "answer", lambda self, cls, name, own: own)
    for _ in range(2):
        words = rf"PyTorch {torch.__version__[:4]}.*went by unseen.*tested with PyTorch 2\.8 to"
        with pytest.raises(sw.SemiringWidgetsError, match=words), sw.record():
            pass


def test_a_pytorch_without_what_is_needed_is_refused_with_the_reason(untried):
    @contextmanager
    def recording():
        raise AttributeError("module 'torch._C' has no attribute 'something'")
        yield

    with pytest.raises(sw.SemiringWidgetsError, match=r"has no attribute 'something'.*install one of these"):
        trial.try_functions(recording)


def test_pytorch_is_as_before_afterwards():
    names = ("_backward_cls", "forward", "setup_context")
    metaclass = type(Function)

    def stopped():
        with sw.record():
            made_inside(X)
            assert all(name in vars(metaclass) for name in names)
            raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        stopped()
    assert not any(name in vars(metaclass) for name in names)
    torch.testing.assert_close(gradient(made_inside, X), 5 * X)


@pytest.mark.parametrize("create_graph", [False, True])
def test_derivatives_by_autograd_are_refused_instead_of_zero(create_graph):
    functional = torch.autograd.functional
    calls = (
        lambda: functional.jacobian(torch.sin, X, create_graph=create_graph),
        lambda: functional.vjp(torch.sin, X, X, create_graph=create_graph),
        lambda: functional.hessian(lambda x: (x**3).sum(), X, create_graph=create_graph),
    )
    for call in calls:
        with pytest.raises(sw.SemiringWidgetsError, match=r"torch\.func\.grad"), sw.record():
            call()
    assert functional.jacobian(torch.sin, X).any()


def test_one_step_for_each_call():
    with sw.record() as tape:
        turned(turned(X))
    assert sum(isinstance(op.func, CustomFunction) for op in tape.ops) == 2
