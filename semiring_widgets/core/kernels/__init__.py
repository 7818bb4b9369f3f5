"""Matrix products in other algebras: in C where that was built, in CUDA on a GPU, and in torch elsewhere.

`accelerated` says whether the C library is in use, `gpu_contractions` what happens on a GPU; torch is chosen
by ``SEMIRING_WIDGETS_KERNELS=torch`` in the environment. The functions of this file take left operands
(..., M, K) that are relative to their row's maximum, and weights (..., K, N) as they are: magnitudes and
logarithms of a weight are taken on the fly and never stored.

Internal: use `semiring_widgets.semirings`, whose `Semiring.contract` chooses among these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from semiring_widgets.core.kernels import c_library, cuda_logs, gpu_contractions
from semiring_widgets.core.kernels.c_library import (
    Logs,
    contract_best,
    contract_logs,
)
from semiring_widgets.core.kernels.c_library import (
    join_logs as _join_in_c,
)
from semiring_widgets.core.kernels.c_library import (
    log_magnitude as _magnitude_in_c,
)
from semiring_widgets.core.kernels.c_library import (
    sum_logs as _sum_in_c,
)

__all__ = [
    "Logs",
    "accelerated",
    "contract_best",
    "contract_logs",
    "expectation",
    "join_logs",
    "log_magnitude",
    "mass",
    "max_times",
    "norm_logs",
    "product",
    "relative_logs",
    "restored_logs",
    "signed_max_times",
    "softmax_logs",
    "sum_logs",
    "tile",
]

# Multiply-adds from which on a call of the library costs less than it saves.
_WORTHWHILE = 1 << 22
# Elements of the largest temporary of the torch version: on a CPU those that fit into caches, elsewhere those
# that keep a GPU busy (float32: 64 MB).
_CHUNKS = {"cpu": 1 << 20}
_CHUNK = 1 << 24


def product(p: Tensor, w: Tensor) -> Tensor:
    """``p @ w``, from the C library on CPUs with AVX-512, of which torch may use only half.

    Args:
        p: (..., M, K); batch dimensions broadcast.
        w: (..., K, N), of the same dtype and device.
    """
    rows = p.shape[:-1].numel()
    worthwhile = rows > 1 and rows * w.shape[-2:].numel() >= _WORTHWHILE
    if worthwhile and p.device.type == "cpu" and c_library.has_wide_vectors():
        done = c_library.contract("plain", (p,), w)
        if done is not None:
            return done[0]
    return p @ w


def mass(p: Tensor, w: Tensor) -> Tensor:
    """``out[..., m, n] = sum over k of p[..., m, k] |w[..., k, n]|``.

    Args:
        p: not negative, (..., M, K); batch dimensions broadcast.
        w: (..., K, N), of the same dtype and device.
    """
    done = _run("mass", (p,), w)
    return p @ w.abs() if done is None else done[0]


def expectation(p: Tensor, q: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Mass, and mass times mean logarithm: ``sum p |w|`` and ``sum q |w| + p |w| log|w|``.

    Args:
        p: not negative, (..., M, K).
        q: what each term of p brings along, of the same shape: p (log p - entropy so far).
        w: (..., K, N).
    """
    done = _run("expectation", (p, q), w)
    if done is not None:
        return done[0], done[1]
    magnitude = w.abs()
    return p @ magnitude, _added(q @ magnitude, p, torch.special.xlogy(magnitude, magnitude))


def _added(whole: Tensor, p: Tensor, w: Tensor) -> Tensor:
    """``whole + p @ w``, by one operator where p and w have the same batch dimensions, or w has none."""
    if w.dim() == 2:
        flat = whole.flatten(0, -2).addmm_(p.flatten(0, -2), w)
        return flat.view(whole.shape)
    if p.shape[:-2] != w.shape[:-2]:
        return whole + p @ w
    batch = [part.flatten(0, -3) for part in (whole, p, w)]
    return batch[0].baddbmm_(*batch[1:]).view(whole.shape)


def max_times(p: Tensor, w: Tensor) -> Tensor:
    """``out[..., m, n] = max over k of p[..., m, k] |w[..., k, n]|``; 0 where K is 0. Arguments as `mass`."""
    done = _run("max", (p,), w)
    if done is not None:
        return done[0]
    return _folded(p, w, lambda left, right: (left * right.abs()).amax(-1))


def signed_max_times(high: Tensor, low: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Largest and lowest product: max (at least 0) and min (at most 0) over k of ``high w`` and ``low w``.

    Args:
        high: not negative, (..., M, K).
        low: not positive, of the same shape.
        w: (..., K, N).
    """
    done = _run("signed", (high, low), w)
    if done is not None:
        return done[0], done[1]
    largest = [_folded(left, w, lambda x, y: (x * y).amax(-1)) for left in (high, low)]
    lowest = [_folded(left, w, lambda x, y: (x * y).amin(-1)) for left in (high, low)]
    return torch.maximum(*largest).clamp(min=0), torch.minimum(*lowest).clamp(max=0)


def tile(terms: int, columns: int, device: torch.device) -> tuple[int, int]:
    """How many rows and columns of a contraction to write down at once.

    Rows of all columns; where the products of one row are too many already, one row and some columns.

    Args:
        terms: products of one row and column, at least 1.
        columns: N, at least 1.
        device: where.
    """
    most = _CHUNKS.get(device.type, _CHUNK)
    rows = max(1, most // (terms * columns))
    return rows, columns if rows > 1 else max(1, min(columns, most // terms))


def relative_logs(name: str, value: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]] | None:
    """Row maxima and the left operands relative to them, in one launch; None where torch has to do it.

    Args:
        name: ``"mass"``, ``"max"`` or ``"expectation"``.
        value: logarithms (..., M, K), and entropies beside them for an expectation.

    Returns:
        The maxima (..., M, 1), at least the lowest finite number; and what `mass` and its like take.
    """
    return cuda_logs.relative(name, value) if cuda_logs.fits(*value) else None


def restored_logs(
    name: str, made: tuple[Tensor, ...], top: Tensor
) -> tuple[tuple[Tensor, ...], Tensor] | None:
    """A value from what was computed relative to ``top``, and the least of each row; None as above."""
    return cuda_logs.restored(name, made, top) if cuda_logs.fits(*made) else None


def softmax_logs(
    name: str, value: tuple[Tensor, ...], result: Tensor, dims: Sequence[int]
) -> tuple[Tensor, ...] | None:
    """What `Semiring.through_softmax` gives, in one launch; None where torch has to do it."""
    return cuda_logs.softmax(name, value, result, dims) if cuda_logs.fits(*value, result) else None


def norm_logs(
    name: str,
    value: tuple[Tensor, ...],
    result: Tensor,
    scale: Tensor,
    dims: Sequence[int],
    *,
    centred: bool,
    forward: bool,
) -> tuple[Tensor, ...] | None:
    """What `Semiring.through_norm` gives, in one launch; None where torch has to do it."""
    if not cuda_logs.fits(*value, result, scale):
        return None
    return cuda_logs.norm(name, value, result, scale, dims, centred=centred, forward=forward)


def join_logs(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """The sum of two values, (log mass,) or (log mass, entropy); None where torch has to do it."""
    if len(a) > 1 and cuda_logs.fits(*a, *b):
        return cuda_logs.join("expectation", a, b) if a[0].shape == b[0].shape else None
    return _join_in_c(a, b)


def sum_logs(value: tuple[Tensor, ...], dims: Sequence[int]) -> tuple[Tensor, ...] | None:
    """The sum of (log mass,) or (log mass, entropy) over the last dimensions, which stay with size 1.

    None where torch has to do it: also for other dimensions.
    """
    if cuda_logs.fits(*value):
        return cuda_logs.sum_rows("expectation" if len(value) > 1 else "mass", value, dims)
    return _sum_in_c(value, dims)


def log_magnitude(x: Tensor) -> Tensor | None:
    """``log|x|``; None where torch has to do it."""
    return cuda_logs.magnitude(x) if cuda_logs.fits(x) else _magnitude_in_c(x)


def accelerated() -> bool:
    """Whether the C library is in use."""
    return c_library.library() is not None


def _run(name: str, left: tuple[Tensor, ...], w: Tensor) -> Sequence[Tensor] | None:
    """The results of a C or GPU kernel, one per left operand; None where torch has to do it."""
    if left[0].device.type == "cuda":
        return gpu_contractions.contract(name, left, w)
    return c_library.contract(name, left, w)


def _folded(p: Tensor, w: Tensor, fold: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """``fold`` over k of (..., m, 1, k) and (..., 1, n, k), in pieces that fit into memory."""
    batch = torch.broadcast_shapes(p.shape[:-2], w.shape[:-2])
    m, k, n = p.shape[-2], p.shape[-1], w.shape[-1]
    out = p.new_zeros((*batch, m, n))
    if out.numel() == 0 or k == 0:
        return out
    turned = w.mT.contiguous()
    step, width = tile(batch.numel() * k, n, p.device)
    for start in range(0, m, step):
        rows = p[..., start : start + step, None, :]
        for column in range(0, n, width):
            columns = slice(column, column + width)
            out[..., start : start + step, columns] = fold(rows, turned[..., None, columns, :])
    return out
