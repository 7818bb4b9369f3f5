"""PyTorch's own samples of operators and modules, asked of us and of autograd."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.testing._internal import common_utils
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db
from torch.utils._pytree import tree_leaves, tree_map_only

import semiring_widgets as sw
from semiring_widgets.errors import SemiringWidgetsError

# It reads the sources of the whole stack, in search of a `unittest.TestCase`: there is none here.
common_utils.extract_test_fn = lambda: None

SAME, REFUSED, NOT_A_NUMBER, WRONG = "equal", "refused", "not a number", "wrong"
MISTAKEN = "right where autograd is not"
_WORST_FIRST = (WRONG, NOT_A_NUMBER, REFUSED, MISTAKEN, SAME)
# How far two right answers may be apart, relative and absolute, by the coarsest numbers of a sample. Of the
# coarse ones, the absolute part is of the largest derivative of the sample.
_NEAR = {
    **dict.fromkeys((torch.float16, torch.bfloat16, torch.complex32), (1e-2, 1e-2)),
    **dict.fromkeys((torch.float32, torch.complex64), (1e-5, 1e-5)),
}
_NEAREST = (1e-6, 1e-8)


class Sample(NamedTuple):
    """One call, and what to differentiate it by.

    Attributes:
        call: of tensors that require gradients, as autograd needs them.
        wrt: those tensors.
        bare: the same call of tensors that require none, as most people give them to a recording.
        bare_wrt: those.
    """

    call: Callable[[], Any]
    wrt: list[Tensor]
    bare: Callable[[], Any]
    bare_wrt: list[Tensor]


class Judgement(NamedTuple):
    """How our sum-product relates to autograd on one sample.

    Attributes:
        verdict: `SAME`, `REFUSED`, `NOT_A_NUMBER` (where autograd has one), `WRONG`, or `MISTAKEN`: autograd
            is wrong, as differences of the outputs say.
        sentence: what was said.
        error: largest difference as a part of the largest derivative, or of 1 where all are smaller; only
            where nothing is coarser than float64.
    """

    verdict: str
    sentence: str = ""
    error: float = 0.0


@dataclass(frozen=True)
class Finding:
    """What the samples of one operator or module gave; empty where autograd has no answer to any of them."""

    judgements: tuple[Judgement, ...]

    @property
    def verdict(self) -> str | None:
        """The worst one; None without any."""
        found = {judgement.verdict for judgement in self.judgements}
        return next((verdict for verdict in _WORST_FIRST if verdict in found), None)

    @property
    def sentence(self) -> str:
        """What happened, and to how many samples."""
        count = collections.Counter(judgement.verdict for judgement in self.judgements)[self.verdict]
        said = next(j.sentence for j in self.judgements if j.verdict == self.verdict)
        return f"{count} of {len(self.judgements)} samples {self.verdict}: {said}"


def operators(dtype: torch.dtype = torch.float64) -> dict[str, Callable[[], list[Sample]]]:
    """What makes the samples of every operator that autograd differentiates in a dtype, by its name."""
    return {
        info.formatted_name: partial(_operator_samples, info, dtype)
        for info in op_db
        if info.supports_autograd and dtype in info.supported_backward_dtypes("cpu")
    }


def left_out() -> tuple[list[str], list[str]]:
    """Operators that autograd does not differentiate, and those it only does in other dtypes than float64."""
    constant = [info.formatted_name for info in op_db if not info.supports_autograd]
    known = {*operators(), *constant}
    return constant, [name for info in op_db if (name := info.formatted_name) not in known]


def modules() -> dict[str, Callable[[], list[Sample]]]:
    """What makes the samples of every module, in evaluation mode, by its name."""
    return {info.name: partial(_module_samples, info) for info in module_db}


def find(make: Callable[[], list[Sample]], limit: int | None = None) -> Finding:
    """Ask samples, with inputs that require gradients and with ones that do not.

    Args:
        make: gives them; numbers drawn at random are the same every time.
        limit: how many of them, spread over all, and only the first one both ways, the others in turn; None
            for all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        samples = [sample for sample in make() if sample.wrt]
    step = 1 if limit is None else max(1, -(-len(samples) // limit))
    asked = enumerate(samples[::step])
    judgements = (judged(s, (True, False) if limit is None or not i else (i % 2 > 0,)) for i, s in asked)
    return Finding(tuple(judgement for judgement in judgements if judgement is not None))


def judged(sample: Sample, ways: Sequence[bool]) -> Judgement | None:
    """How our sum-product relates to autograd; None where autograd has no answer.

    The outputs are weighed by fixed random numbers, as a plain sum would hide transposed gradients.

    Args:
        sample: what is called.
        ways: whether the inputs require gradients; the worst judgement counts.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.manual_seed(0)
            plain = score_of(sample.call())
            found = torch.autograd.grad(plain, sample.wrt, allow_unused=True)
            # Of embeddings it can be a list of rows.
            expected = [g.to_dense() if g is not None and g.is_sparse else g for g in found]
        except (RuntimeError, NotImplementedError, IndexError, TypeError):
            return None
    given = {True: (sample.call, sample.wrt), False: (sample.bare, sample.bare_wrt)}
    judgements = [_compared(*given[way], plain, expected) for way in ways]
    return min(judgements, key=lambda judgement: _WORST_FIRST.index(judgement.verdict))


def _compared(
    call: Callable[[], Any], wrt: Sequence[Tensor], plain: Tensor, expected: Sequence[Tensor | None]
) -> Judgement:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.manual_seed(0)
            with sw.record() as tape:
                out = call()
                score = score_of(out)
            results = sw.backprop(tape, score, wrt=list(wrt), semiring="sum")
        except SemiringWidgetsError as error:
            return Judgement(REFUSED, str(error))
    parts = (leaf for leaf in (*tree_leaves(out), *wrt) if isinstance(leaf, Tensor))
    rtol, atol = max(_NEAR.get(leaf.dtype, _NEAREST) for leaf in parts)
    if not torch.allclose(score, plain, rtol=rtol, atol=100 * atol, equal_nan=True):
        return Judgement(WRONG, f"the recording computes {float(score):.6g}, not {float(plain):.6g}")
    coarse = (rtol, atol) != _NEAREST
    if coarse:
        atol *= max([1.0, *(float(g.abs().max()) for g in expected if g is not None and g.numel())])
    verdict = Judgement(SAME)
    for result, gradient, leaf in zip(results, expected, wrt, strict=True):
        value = result.value
        gradient = torch.zeros_like(leaf) if gradient is None else gradient
        known = ~value.isnan()
        error = _error(value[known], gradient[known])
        if torch.allclose(value, gradient, rtol=rtol, atol=atol, equal_nan=True):
            verdict = verdict._replace(error=max(verdict.error, 0.0 if coarse else error))
        elif torch.allclose(value[known], gradient[known], rtol=rtol, atol=atol):
            verdict = Judgement(NOT_A_NUMBER, "NaN where autograd has a number")
        else:
            where = (value - gradient).abs().flatten().argmax()
            numeric = _slope(call, leaf, int(where))
            if _near(numeric, value, where) and not _near(numeric, gradient, where):
                verdict = Judgement(MISTAKEN, "differences of the outputs agree with us")
            else:
                return Judgement(WRONG, f"differs by {error:.3g} of the largest derivative")
    return verdict


def _slope(call: Callable[[], Any], leaf: Tensor, element: int, step: float = 1e-6) -> complex:
    """Derivative by one element, from differences of the score; d/d re + i d/d im if it is complex."""
    found = 0j
    # A view, so that what is written to it changes the leaf.
    place = leaf.detach()[tuple(int(i) for i in torch.unravel_index(torch.tensor(element), leaf.shape))]
    middle = place.clone()
    for direction in (1, 1j) if leaf.is_complex() else (1,):
        scores = []
        for sign in (1, -1):
            place.copy_(middle + sign * step * direction)
            torch.manual_seed(0)
            with torch.no_grad():
                scores.append(float(score_of(call())))
        place.copy_(middle)
        found += direction * (scores[0] - scores[1]) / (2 * step)
    return found


def _near(numeric: complex, derivatives: Tensor, where: Tensor) -> bool:
    return abs(numeric - derivatives.flatten()[where].item()) < 1e-4 * max(1.0, abs(numeric))


def _error(value: Tensor, gradient: Tensor) -> float:
    if not value.numel():
        return 0.0
    return float((value - gradient).abs().max()) / max(1.0, float(gradient.abs().max()))


def _operator_samples(info: Any, dtype: torch.dtype) -> list[Sample]:
    differentiable, plain = (
        [(s.input, s.args, s.kwargs) for s in info.sample_inputs("cpu", dtype, requires_grad=requires)]
        for requires in (True, False)
    )
    # Some are kept from tests of gradients, for their number or since their gradient is a convention.
    if len(plain) > len(differentiable):
        for leaf in tree_leaves(plain):
            if isinstance(leaf, Tensor) and (leaf.is_floating_point() or leaf.is_complex()):
                leaf.requires_grad_()
        differentiable += plain
    return [_sample(info, (first, *args), kwargs) for first, args, kwargs in differentiable]


def _module_samples(info: Any) -> list[Sample]:
    samples = []
    for sample in info.module_inputs_func(
        info, device="cpu", dtype=torch.float64, requires_grad=True, training=False
    ):
        made, given = sample.constructor_input, sample.forward_input
        if given is not None:
            module = info.module_cls(*made.args, **made.kwargs).double().eval()
            samples.append(_sample(module, given.args, given.kwargs))
    return samples


def _sample(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Sample:
    bare: dict[int, Tensor] = {}
    bare_args, bare_kwargs = tree_map_only(
        Tensor, lambda tensor: bare.setdefault(id(tensor), tensor.detach()), (tuple(args), kwargs)
    )
    wrt = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor) and leaf.requires_grad]
    return Sample(
        partial(function, *args, **kwargs),
        wrt,
        partial(function, *bare_args, **bare_kwargs),
        [bare[id(leaf)] for leaf in wrt],
    )


def score_of(out: Any) -> Tensor:
    total: Any = 0.0
    for place, part in enumerate(tree_leaves(out)):
        if isinstance(part, Tensor) and (part.is_floating_point() or part.is_complex()):
            numbers = torch.view_as_real(part.resolve_conj()) if part.is_complex() else part
            noise = torch.Generator().manual_seed(place)
            weights = torch.randn(numbers.shape, generator=noise, dtype=torch.float64)
            total = total + (numbers.double() * weights).sum()
    return total
