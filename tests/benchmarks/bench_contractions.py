"""The contraction kernels beside torch.mm of the same shape, torch_semiring_einsum and broadcasting torch.

"5-best" are the five best sums, "5-best torch" what the semiring does without the library. All figures are
multiples of one float32 ``torch.mm`` (``torch.bmm`` for the attention shapes).
"""

from __future__ import annotations

import torch

from semiring_widgets.core import kernels
from semiring_widgets.core.semirings import KBest, Weight
from tests.benchmarks.measuring import Report, interleaved

SHAPES = [
    (16, 768, 3072), (16, 3072, 768), (32, 768, 768), (32, 768, 3072), (32, 3072, 768),
    (128, 768, 768), (128, 768, 3072), (128, 3072, 768), (512, 768, 768), (512, 768, 3072), (512, 3072, 768),
]  # fmt: skip
ATTENTION = [(12, 32, 64, 32), (12, 128, 64, 128), (12, 128, 128, 64), (12, 512, 64, 512), (12, 512, 512, 64)]
# Above this many products the versions that write them down would take minutes.
_WRITTEN_DOWN = 1 << 27


_PEERS = ("einsum (max)", "broadcast (max)", "5-best torch")


def main() -> None:
    """Measure, print and write."""
    print(f"C library: {kernels.accelerated()}; threads: {torch.get_num_threads()}")
    report = Report("contractions")
    for shape in [*SHAPES, *ATTENTION]:
        *batch, m, k, n = shape
        p, w = torch.rand(*batch, m, k), torch.randn(*batch, k, n)
        turned = torch.randn(*batch, n, k).mT
        low, q = -torch.rand(*batch, m, k), p * 3
        parts = torch.randn(5, *batch, m, k).sort(0, descending=True).values.unbind()
        logs = w.abs().log()
        cases = {
            "mm": lambda p=p, w=w: p @ w,
            "max": lambda p=p, w=w: kernels.max_times(p, w),
            "max, w.T": lambda p=p, w=turned: kernels.max_times(p, w),
            "signed": lambda p=p, low=low, w=w: kernels.signed_max_times(p, low, w),
            "mass": lambda p=p, w=w: kernels.mass(p, w),
            "expectation": lambda p=p, q=q, w=w: kernels.expectation(p, q, w),
            "5-best": lambda parts=parts, logs=logs: kernels.contract_best(parts, logs),
        }
        taken = interleaved(cases)
        peers = interleaved(_peers(p, w, parts), 2) if not batch and m * k * n <= _WRITTEN_DOWN else {}
        unit = taken.pop("mm")
        ratios = {name: seconds / unit for name, seconds in {**taken, **peers}.items()}
        empty = {name: "-" for name in _PEERS if name not in ratios}
        report.add(shape="x".join(map(str, shape)), mm_ms=unit * 1e3, **ratios, **empty)
    print(report.write())


def _peers(p: torch.Tensor, w: torch.Tensor, parts: tuple[torch.Tensor, ...]) -> dict[str, object]:
    import torch_semiring_einsum as einsum

    equation = einsum.compile_equation("mk,kn->mn")
    logs, log_weights = p.log(), w.abs().log()
    return {
        "einsum (max)": lambda: einsum.log_viterbi_einsum_forward(equation, logs, log_weights),
        "broadcast (max)": lambda: (logs[:, None, :] + log_weights.mT[None]).amax(-1),
        "5-best torch": lambda: KBest(5)._contract(parts, Weight(w)),
    }


if __name__ == "__main__":
    main()
