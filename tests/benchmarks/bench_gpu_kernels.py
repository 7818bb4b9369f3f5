"""The CUDA kernels on the GPU at hand: what comes before the first result, whether they are right, how fast.

Every tile of `cuda_tables` is tried at every shape, so that the table's choice can be judged. Times are those
of the GPU alone (replayed CUDA graphs), shares those of the roofline of `bench_gpu`: 64 maxima a clock and
SM. With ``$OUT`` set, all figures go there as JSON. Without a GPU this says so and ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import cuda_compiler, cuda_contractions, gpu_contractions
from semiring_widgets.core.kernels.cuda_tables import TILES, Tile, choice
from semiring_widgets.core.precision import full_precision

DEVICE = "cuda"
SHAPES = [
    *[(16, 3072, 768), (16, 768, 3072), (128, 768, 768), (128, 768, 3072), (128, 3072, 768)],
    *[(512, 768, 3072), (512, 3072, 768), (2048, 768, 3072), (128, 2048, 8192), (512, 2048, 8192)],
    *[(2048, 2048, 8192), (2048, 8192, 2048), (12, 128, 64, 128), (12, 128, 128, 64), (12, 512, 64, 512)],
    *[(12, 512, 512, 64), (32, 2048, 64, 2048), (32, 2048, 2048, 64)],
]
ROWS = [
    (12 * 128, 1, 128, 128),
    (12 * 512, 1, 512, 512),
    (128, 1, 768, 768),
    (1, 768, 50257),
    (1, 50257, 768),
]
MAXIMA_PER_CLOCK = 64
# Beside those of the table.
OTHERS = {
    False: (Tile(128, 128, 8, 8, 2, 0.0, 2), Tile(64, 64, 8, 8, 5, 0.0, 4), Tile(32, 128, 8, 4, 4, 0.0)),
    True: (Tile(64, 128, 8, 4, 2, 0.0, 2), Tile(128, 64, 8, 4, 2, 0.0), Tile(64, 64, 8, 4, 3, 0.0, 4)),
}
# Seconds for all of `tiles`.
BUDGET = 45.0
FIGURES: dict[str, Any] = {}
KEPT: list[object] = []
FIRST = """
import time
t0 = time.perf_counter()
import torch
t1 = time.perf_counter()
p, w = torch.rand(128, 768, device=DEVICE), torch.randn(768, 3072, device=DEVICE)
torch.cuda.synchronize()
t2 = time.perf_counter()
from semiring_widgets.core.kernels import gpu_contractions
t3 = time.perf_counter()
assert gpu_contractions.contract("max", (p,), w) is not None
torch.cuda.synchronize()
t4 = time.perf_counter()
assert not gpu_contractions._failures, gpu_contractions._failures
print(f"torch {t1 - t0:.2f}, CUDA {t2 - t1:.2f}, our modules {t3 - t2:.2f}, contraction {t4 - t3:.3f} s")
"""


def main() -> None:
    """Measure and print."""
    if not torch.cuda.is_available():
        print("There is no CUDA device here, so nothing was measured.")
        return
    torch.manual_seed(0)
    properties = torch.cuda.get_device_properties()
    most = properties.multi_processor_count * properties.clock_rate * 1e3 * MAXIMA_PER_CLOCK
    version = cuda_compiler._version(cuda_compiler.compiler())
    clock = f"{properties.clock_rate / 1e6:.2f} GHz"
    print(f"{properties.name}, {clock}, torch {torch.__version__}, NVRTC {version}")
    for step in (first_uses, compiled_ahead, rightness, surroundings, host_costs):
        attempted(step)
    with full_precision():
        for step in (tiles, rows, expectations, fallback):
            attempted(step, most)
    if os.environ.get("OUT"):
        Path(os.environ["OUT"], "gpu_kernels.json").write_text(json.dumps(FIGURES, indent=1), "utf-8")


def attempted(step: Callable[..., None], *arguments: float) -> None:
    """One step; where it fails, the others are still worth their time."""
    started = time.perf_counter()
    try:
        step(*arguments)
    except Exception as error:  # noqa: BLE001
        print(f"!! {step.__name__}: {type(error).__name__}: {error}"[:600])
    print(f"-- {step.__name__}: {time.perf_counter() - started:.1f} s", flush=True)


def first_uses() -> None:
    """In fresh processes: with nothing kept from before, and with what the first one kept."""
    with tempfile.TemporaryDirectory() as folder:
        for label in ("nothing kept", "kept", "kept"):
            done = subprocess.run(
                [sys.executable, "-c", FIRST],
                env={**os.environ, "SEMIRING_WIDGETS_CACHE": folder},
                capture_output=True,
                text=True,
                check=False,
            )
            print(f"first contraction, {label}: {done.stdout.strip() or done.stderr[-600:]}")
        print("kept:", sorted(path.stat().st_size for path in Path(folder).iterdir()), "bytes")


def variants() -> list[tuple[str, tuple[str, ...]]]:
    """What `rightness` and `tiles` will ask for."""
    device, found = torch.cuda.current_device(), []
    original = cuda_contractions._kernel
    cuda_contractions._kernel = lambda name, options, threads, device: found.append((name, options))
    try:
        for name, left, w, tile, parts in (*cases(empty=True), *timed_cases(empty=True)):
            cuda_contractions._planned(name, left, w, tile, parts)
    finally:
        cuda_contractions._kernel = original
        cuda_contractions._plan.cache_clear()
    arch = "--gpu-architecture=sm_{}{}".format(*torch.cuda.get_device_capability(device))
    return list(dict.fromkeys((name, (arch, "--std=c++17", *options)) for name, options in found))


def compiled_ahead() -> None:
    """All variants, on all cores."""
    wanted = variants()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        times = list(
            pool.map(
                lambda v: _seconds(cuda_compiler.machine_code, cuda_contractions.source(v[0]), v[1]), wanted
            )
        )
    print(f"{len(wanted)} variants: {sum(times):.1f} s one by one if alone, longest {max(times):.2f}")


def _seconds(act: Callable[..., object], *arguments: Any) -> float:
    started = time.perf_counter()
    act(*arguments)
    return time.perf_counter() - started


def operands(
    shape: tuple[int, ...], way: str, dtype: torch.dtype, empty: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """p, low and w; ``way`` has "w.T" and "p.T" for what is stored turned."""
    *batch, m, k, n = shape
    make = torch.empty if empty else torch.randn

    def stored(rows: int, columns: int, turned: bool) -> Tensor:
        if turned:
            return make(*batch, columns, rows, device=DEVICE).mT
        return make(*batch, rows, columns, device=DEVICE)

    p, low = (stored(m, k, "p.T" in way).abs_() for _ in range(2))
    return p, low.neg_(), stored(k, n, "w.T" in way).to(dtype)


def cases(empty: bool = False) -> list[tuple[str, list[Tensor], Tensor, Tile | None, int | None]]:
    """Contractions whose results are checked: every tile in every layout, with and without parts."""
    found: list[tuple[str, list[Tensor], Tensor, Tile | None, int | None]] = []
    for name, count in (("max", 1), ("signed", 2)):
        for tile in (*TILES[name == "signed"], *OTHERS[name == "signed"]):
            even, odd = (
                (tile.rows + 4, 200, tile.columns * 2 + 20),
                (tile.rows * 2 + 3, 133, tile.columns + 1),
            )
            for shape, way in ((even, ""), (even, "w.T"), (even, "p.T w.T"), (odd, "w.T")):
                p, low, w = operands(shape, way, torch.float32, empty)
                found += [(name, [p, low][:count], w, tile, parts) for parts in (1, 3)]
        for tile in (TILES[name == "signed"][0], TILES[name == "signed"][-1], None):
            for dtype in (torch.bfloat16, torch.float16):
                p, low, w = operands((3, 50, 120, 72), "w.T" if tile is None else "", dtype, empty)
                found.append((name, [p, low][:count], w, tile, None))
                found.append((name, [p[0], low[0]][:count], w, tile, None))
                found.append((name, [p, low][:count], w[0], tile, 2))
        for shape in ((5, 1, 1000, 132), (5, 1, 77, 45), (1, 3000, 64)):
            for way in ("", "w.T"):
                for dtype in (torch.float32, torch.bfloat16):
                    p, low, w = operands(shape, way, dtype, empty)
                    found.append((name, [p, low][:count], w, None, None))
    return found


def rightness() -> None:
    """Every result to the last bit, with numbers that are none among the operands, too."""
    wrong, count = [], 0
    for name, left, w, tile, parts in cases():
        for odd in (False, True):
            if odd:
                w = w.clone() if w.is_contiguous() else w.mT.contiguous().mT
                w[..., 5, 3], w[..., 7, 9], w[..., 9, 11] = float("nan"), float("inf"), float("-inf")
                left[0][..., 0, 7] = 0
            found = cuda_contractions.contract(name, left, w, tile, parts)
            count += 1
            for place, (a, b) in enumerate(zip(found, reference(name, left, w), strict=True)):
                same = torch.equal(a.isnan(), b.isnan()) and torch.equal(a.nan_to_num(-1), b.nan_to_num(-1))
                if not same:
                    far = (a - b).abs().nan_to_num(0).max().item()
                    case = [tuple(x.shape) for x in left], tuple(w.shape), w.stride(), w.dtype, tile, parts
                    wrong.append(f"{name}[{place}] {case} odd={odd} far={far:.2e}")
    print(f"right: {count - len(wrong)} of {count}", *wrong[:12], sep="\n  ")


def reference(name: str, left: list[Tensor], w: Tensor) -> list[Tensor]:
    """In torch, every product written down."""
    products = torch.cat([part[..., :, :, None] * w.float()[..., None, :, :] for part in left], -2)
    if name == "max":
        return [products.abs().amax(-2)]
    return [products.amax(-2).clamp(min=0), products.amin(-2).clamp(max=0)]


def surroundings() -> None:
    """On another stream, in a new thread, in a CUDA graph."""
    p, low, w = operands((130, 300, 200), "", torch.float32)
    wanted = reference("signed", [p, low], w)
    results: dict[str, list[Tensor]] = {}
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        results["stream"] = cuda_contractions.contract("signed", [p, low], w)
    torch.cuda.synchronize()
    thread = threading.Thread(
        target=lambda: results.update(thread=cuda_contractions.contract("signed", [p, low], w, None, 3))
    )
    thread.start()
    thread.join()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results["graph"] = cuda_contractions.contract("signed", [p, low], w, None, 3)
    for _ in range(3):
        graph.replay()
    torch.cuda.synchronize()
    print(
        {
            way: all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
            for way, found in results.items()
        }
    )


def host_costs() -> None:
    """Microseconds of the host for one call, where the GPU has next to nothing to do."""
    p, low, w = operands((16, 64, 64), "", torch.float32)
    both, row = torch.rand(4, 16, 64, device=DEVICE), p[:1]
    acts = {
        "max": lambda: gpu_contractions.contract("max", (p,), w),
        "max, parts": lambda: cuda_contractions.contract("max", (p,), w, None, 2),
        "max, batch": lambda: gpu_contractions.contract("max", (both,), w),
        "signed": lambda: gpu_contractions.contract("signed", (p, low), w),
        "row": lambda: gpu_contractions.contract("max", (row,), w),
        "max_times": lambda: kernels.max_times(p, w),
        "expectation": lambda: kernels.expectation(p, low, w),
        "mm": lambda: p @ w,
        "abs": p.abs,
        "empty": lambda: p.new_empty(16, 64),
    }
    found = {}
    for name, act in acts.items():
        for _ in range(20):
            act()
        torch.cuda.synchronize()
        best = 1e9
        for _ in range(5):
            started = time.perf_counter()
            for _ in range(200):
                act()
            best = min(best, (time.perf_counter() - started) / 200)
            torch.cuda.synchronize()
        found[name] = round(best * 1e6, 1)
    print("host us a call:", found)
    FIGURES["host"] = found


def gpu_seconds(act: Callable[..., object], *arguments: Any) -> float:
    """Median seconds of the GPU, from replays of a graph with several calls."""
    stream, pool = quiet()
    stream.wait_stream(torch.cuda.default_stream())
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    with torch.cuda.stream(stream):
        act(*arguments)
        start.record()
        act(*arguments)
        end.record()
        end.synchronize()
        repeats = max(1, min(20, int(1.5 / max(0.01, start.elapsed_time(end)))))
        # Not by torch.cuda.graph, which collects garbage and empties the cache each time.
        graph = torch.cuda.CUDAGraph()
        graph.capture_begin(pool=pool)
        for _ in range(repeats):
            act(*arguments)
        graph.capture_end()
        graph.replay()
        times = []
        for _ in range(3):
            start.record()
            graph.replay()
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end) / repeats)
    return sorted(times)[1] / 1e3


@cache
def quiet() -> tuple[torch.cuda.Stream, Any]:
    """A stream for captures, and memory that they share: that of a graph which is kept."""
    stream, kept = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream):
        kept.capture_begin()
        torch.zeros(1, device=DEVICE)
        kept.capture_end()
    KEPT.append(kept)
    return stream, kept.pool()


def part_counts(tile: Tile, batch: int, m: int, k: int, n: int) -> list[int]:
    """Around what fills the card."""
    tiles_ = batch * -(-m // tile.rows) * -(-n // tile.columns)
    processors = torch.cuda.get_device_properties().multi_processor_count
    full = processors * tile.blocks / tiles_
    wanted = {1, *(round(full * f) for f in (0.34, 0.5, 1, 2)), round(processors / tiles_)}
    return sorted(parts for parts in wanted if 1 <= parts <= max(1, k // 48))


def timed_cases(empty: bool = False) -> list[tuple[str, list[Tensor], Tensor, Tile | None, int | None]]:
    """One contraction for each variant that `tiles` and `rows` use."""
    found: list[tuple[str, list[Tensor], Tensor, Tile | None, int | None]] = []
    for name, count in (("max", 1), ("signed", 2)):
        for tile in (None, *TILES[name == "signed"], *OTHERS[name == "signed"]):
            for way in ("", "w.T"):
                p, low, w = operands((1 if tile is None else 64, 64, 64), way, torch.float32, empty)
                found.append((name, [p, low][:count], w, tile, None))
    return found


def tiles(most: float) -> None:
    """Every tile and number of parts at every shape: the best three, and what the table chose."""
    print("shape, kind: tile parts us share | ... (chosen: ...)")
    FIGURES["tiles"] = []
    started = time.perf_counter()
    for shape in SHAPES:
        if time.perf_counter() - started > BUDGET:
            print("no time for", shape)
            continue
        *batch, m, k, n = shape
        count = batch[0] if batch else 1
        products = count * m * k * n
        for name, way in (("max", ""), ("max", "w.T"), ("signed", "")):
            p, low, w = operands(shape, way, torch.float32)
            left = [p, low] if name == "signed" else [p]
            measured = []
            for tile in (*TILES[name == "signed"], *OTHERS[name == "signed"]):
                if tile.rows >= 64 and tile.rows >= 4 * m:
                    continue
                for parts in part_counts(tile, count, m, k, n):
                    taken = gpu_seconds(cuda_contractions.contract, name, left, w, tile, parts)
                    measured.append((taken, label(tile), parts))
            own = gpu_seconds(cuda_contractions.contract, name, left, w)
            processors = torch.cuda.get_device_properties().multi_processor_count
            tile, parts = choice(name == "signed", count, m, k, n, processors)
            unit = (4 if name == "signed" else 1) * products / most
            measured.sort()
            cells = [f"{t} {q} {s * 1e6:.1f} {unit / s:.2f}" for s, t, q in measured[:2]]
            cells.append(f"chosen {label(tile)} {parts} {own * 1e6:.1f} {unit / own:.2f}")
            print("x".join(map(str, shape)), name, way, " | ".join(cells), flush=True)
            FIGURES["tiles"].append(
                {"shape": shape, "name": name, "way": way, "own": own, "measured": measured}
            )


def label(tile: Tile) -> str:
    """Short."""
    return f"{tile.rows}x{tile.columns}/{tile.thread_rows}x{tile.thread_columns}/{tile.blocks}/{tile.unroll}"


def rows(most: float) -> None:
    """Single rows, beside the same by Triton where it is there."""
    try:
        from semiring_widgets.core.kernels import triton_contractions
    except ImportError:
        triton_contractions = None
    for shape in ROWS:
        for way in ("", "w.T"):
            p, low, w = operands(shape, way, torch.float32)
            moved = w.numel() * 4
            cells = {}
            for name, left in (("max", [p]), ("signed", [p, low])):
                taken = gpu_seconds(cuda_contractions.contract, name, left, w)
                cells[name] = f"{taken * 1e6:.1f} us {moved / taken / 1e12:.2f} TB/s"
            if triton_contractions is not None:
                taken = gpu_seconds(triton_contractions.contract, "max", [p], w)
                cells["Triton max"] = f"{taken * 1e6:.1f} us"
            cells["mm"] = f"{gpu_seconds(torch.matmul, p, w) * 1e6:.1f} us"
            print("row", "x".join(map(str, shape)), way, cells, flush=True)


def expectations(most: float) -> None:
    """Three ways to compute mass and total by cuBLAS, beside one product."""

    def three(p: Tensor, q: Tensor, w: Tensor) -> object:
        size = w.abs()
        return p @ size, q @ size + p @ torch.special.xlogy(size, size)

    def added(p: Tensor, q: Tensor, w: Tensor) -> object:
        size = w.abs()
        total = q @ size
        logs = torch.special.xlogy(size, size)
        return p @ size, total.addmm_(p, logs) if p.dim() == 2 else total.baddbmm_(p, logs)

    def rows_stacked(p: Tensor, q: Tensor, w: Tensor) -> object:
        size = w.abs()
        mass, total = (torch.cat([p, q], -2) @ size).split(p.shape[-2], -2)
        logs = torch.special.xlogy(size, size)
        return mass, torch.addmm(total, p, logs) if p.dim() == 2 else torch.baddbmm(total, p, logs)

    def terms_stacked(p: Tensor, q: Tensor, w: Tensor) -> object:
        size = w.abs()
        both = torch.cat([size, torch.special.xlogy(size, size)], -2)
        return p @ both[..., : w.shape[-2], :], torch.cat([q, p], -1) @ both

    print("expectation, us: now, three products, added in place, rows stacked, terms stacked; one product")
    for shape in SHAPES:
        p, low, w = operands(shape, "", torch.float32)
        ways = (kernels.expectation, three, added, rows_stacked, terms_stacked)
        cells = [f"{gpu_seconds(way, p, low, w) * 1e6:.1f}" for way in ways]
        print("x".join(map(str, shape)), *cells, f"; {gpu_seconds(torch.matmul, p, w) * 1e6:.1f}", flush=True)


def fallback(most: float) -> None:
    """Triton with fixed sizes: right, and how fast."""
    from semiring_widgets.core.kernels import triton_contractions

    for shape in ((100, 300, 260), (512, 768, 3072), (2048, 2048, 8192)):
        p, low, w = operands(shape, "", torch.float32)
        for name, left in (("max", [p]), ("signed", [p, low])):
            started = time.perf_counter()
            found = triton_contractions.contract(name, left, w)
            torch.cuda.synchronize()
            first = time.perf_counter() - started
            right = all(map(torch.equal, found, cuda_contractions.contract(name, left, w)))
            taken = gpu_seconds(triton_contractions.contract, name, left, w)
            print(
                "Triton",
                shape,
                name,
                f"first {first:.2f} s, then {taken * 1e6:.1f} us, equal: {right}",
                flush=True,
            )


if __name__ == "__main__":
    main()
