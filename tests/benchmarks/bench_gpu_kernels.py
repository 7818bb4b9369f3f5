"""The CUDA kernels on the GPU at hand: what comes before the first result, a call's price, and their speed.

Every tile of `cuda_tables` is tried at every shape, beside others with fewer terms written out, so that the
table's choice can be judged. Times are those of the GPU alone (replayed CUDA graphs), shares those of the
roofline of `bench_gpu`: 64 maxima a clock and SM. With ``$OUT`` set, all figures go there as JSON. Without a
GPU this says so and ends. Whether results are right is for ``pytest -m gpu tests/core/test_cuda.py``.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import cuda_compiler, cuda_contractions, gpu_contractions
from semiring_widgets.core.kernels.cuda_tables import TILES, Tile, chosen_tile, part_counts
from semiring_widgets.core.kernels.cuda_variants import Variant, source
from semiring_widgets.core.precision import full_precision
from tests.benchmarks.bench_gpu import peak

DEVICE = "cuda"
SHAPES = [
    *[(16, 3072, 768), (16, 768, 3072), (128, 768, 768), (128, 768, 3072), (128, 3072, 768)],
    *[(512, 768, 3072), (512, 3072, 768), (2048, 768, 3072), (128, 2048, 8192), (512, 2048, 8192)],
    *[(2048, 2048, 8192), (2048, 8192, 2048), (12, 128, 64, 128), (12, 128, 128, 64), (12, 512, 64, 512)],
    *[(12, 512, 512, 64), (32, 2048, 64, 2048), (32, 2048, 2048, 64)],
]
ROWS = [(12 * 128, 1, 128, 128), (12 * 512, 1, 512, 512), (1, 768, 50257), (1, 50257, 768)]
KINDS = (("max", ""), ("max", "w.T"), ("signed", ""))
# Terms written out, beside those of the table: fewer compile faster.
UNROLLED = (4, 8)
# Seconds for all of `tiles`.
BUDGET = 25.0
FIGURES: dict[str, Any] = {}
KEPT: list[object] = []
# In a fresh process: the first contraction, then those of the dozen variants that a first sweep may need.
FIRST = """
import time
t0 = time.perf_counter()
import torch
p, w = torch.rand(128, 768, device="cuda"), torch.randn(768, 3072, device="cuda")
torch.cuda.synchronize()
t1 = time.perf_counter()
from semiring_widgets.core.kernels import gpu_contractions
t2 = time.perf_counter()
assert gpu_contractions.contract("max", (p,), w) is not None
torch.cuda.synchronize()
t3 = time.perf_counter()
for rows in (1, 9, 128, 600):
    x = torch.rand(rows, 512, device="cuda")
    for right in (torch.randn(512, 3072, device="cuda"), torch.randn(3072, 512, device="cuda").mT):
        gpu_contractions.contract("max", (x,), right)
        gpu_contractions.contract("signed", (x, -x), right)
torch.cuda.synchronize()
t4 = time.perf_counter()
assert not gpu_contractions._failures, gpu_contractions._failures
print(f"torch {t1 - t0:.2f}, modules {t2 - t1:.2f}, contraction {t3 - t2:.3f}, variants {t4 - t3:.3f} s")
"""


def main() -> None:
    """Measure and print."""
    if not torch.cuda.is_available():
        print("There is no CUDA device here, so nothing was measured.")
        return
    torch.manual_seed(0)
    properties = torch.cuda.get_device_properties()
    version = cuda_compiler._version(cuda_compiler.compiler())
    clock = f"{properties.clock_rate / 1e6:.2f} GHz"
    print(f"{properties.name}, {clock}, torch {torch.__version__}, NVRTC {version}")
    with full_precision(), tempfile.TemporaryDirectory() as folder:
        os.environ["SEMIRING_WIDGETS_CACHE"] = folder
        for step in (first_uses, compile_times, host_costs, tiles, rows, for_the_documentation):
            attempted(step)
    if os.environ.get("OUT"):
        Path(os.environ["OUT"], "gpu_kernels.json").write_text(json.dumps(FIGURES, indent=1), "utf-8")


def attempted(step: Callable[[], None]) -> None:
    """One step; where it fails, the others are still worth their time."""
    started = time.perf_counter()
    try:
        step()
    except Exception as error:  # noqa: BLE001
        print(f"!! {step.__name__}: {type(error).__name__}: {error}"[:600])
    print(f"-- {step.__name__}: {time.perf_counter() - started:.1f} s", flush=True)


def first_uses() -> None:
    """In fresh processes: with nothing kept from before, and with what the first one kept."""
    FIGURES["first"] = {}
    with tempfile.TemporaryDirectory() as folder:
        for label in ("nothing kept", "kept"):
            done = subprocess.run(
                [sys.executable, "-c", FIRST],
                env={**os.environ, "SEMIRING_WIDGETS_CACHE": folder},
                capture_output=True,
                text=True,
                check=False,
            )
            FIGURES["first"][label] = done.stdout.strip() or done.stderr[-600:]
            print(f"first contraction, {label}: {FIGURES['first'][label]}")
        files = [path.stat().st_size for path in Path(folder).iterdir()]
        print(f"kept: {len(files)} files, {sum(files) / 1e6:.2f} MB")


def tried(signed: bool) -> tuple[Tile, ...]:
    """The table's tiles, and the same with fewer terms written out."""
    own = TILES[signed]
    return *own, *(
        replace(tile, unroll=terms) for tile, terms in product(own, UNROLLED) if tile.unroll > terms
    )


def compile_times() -> None:
    """Seconds of the compiler: one by one, then for all that `tiles` needs, on all cores."""
    capability = torch.cuda.get_device_capability()

    def compile_(variant: Variant) -> float:
        started = time.perf_counter()
        cuda_compiler.machine_code(source(variant.name), variant.options(capability))
        return time.perf_counter() - started

    alone = {}
    for signed in (False, True):
        for tile in (tile for tile in tried(signed) if tile in TILES[signed] or tile.unroll == UNROLLED[0]):
            variant = Variant(signed, torch.float32, tile, vectors=True, w_along_terms=False)
            alone[f"{'signed' if signed else 'max'} {label(tile)}"] = round(compile_(variant), 2)
    print("seconds to compile:", alone)
    others = [
        Variant(signed, torch.float32, tile, vectors=vectors, w_along_terms=along)
        for signed, vectors, along in product((False, True), (True, False), (False, True))
        for tile in (None, *tried(signed))
    ]
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_, others))
    print(f"{len(others)} variants on {os.cpu_count()} cores: {time.perf_counter() - started:.1f} s")
    FIGURES["compiled"] = alone


def operands(shape: tuple[int, ...], way: str) -> tuple[Tensor, Tensor, Tensor]:
    """p, low and w; ``way`` is "w.T" where w is stored turned."""
    *batch, m, k, n = shape
    p, low = (torch.rand(*batch, m, k, device=DEVICE) for _ in range(2))
    if way == "w.T":
        return p, low.neg_(), torch.randn(*batch, n, k, device=DEVICE).mT
    return p, low.neg_(), torch.randn(*batch, k, n, device=DEVICE)


def host_costs() -> None:
    """Microseconds of the host for one call, where the GPU has next to nothing to do."""
    p, low, w = operands((16, 64, 64), "")
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
        best = math.inf
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


def timed_ways(
    name: str, left: list[Tensor], w: Tensor, sizes: tuple[int, ...]
) -> Iterator[tuple[float, str, int]]:
    """Every tile in every number of parts that the table thinks of."""
    batch, m, k, n = sizes
    for tile in tried(name == "signed"):
        if tile.rows >= 64 and tile.rows >= 4 * m:
            continue
        for parts in part_counts(tile, tile.count(batch, m, n), k, processors()):
            # What takes many times longer than the best is not worth the wait.
            if parts > 1 or k <= 16 * 64 or tile.count(batch, m, n) * 4 > processors():
                yield gpu_seconds(cuda_contractions.contract, name, left, w, tile, parts), label(tile), parts


def tiles() -> None:
    """The best two ways at every shape, and what the table chose."""
    print("shape, kind: tile parts us share | ... | chosen: ...")
    FIGURES["tiles"], most, started = [], peak(), time.perf_counter()
    ratios: dict[str, list[float]] = defaultdict(list)
    for shape, (name, way) in product(SHAPES, KINDS):
        if time.perf_counter() - started > BUDGET:
            print("no time for", shape, name, way)
            continue
        *batch, m, k, n = shape
        sizes = (batch[0] if batch else 1, m, k, n)
        p, low, w = operands(shape, way)
        left = [p, low] if name == "signed" else [p]
        measured = sorted(timed_ways(name, left, w, sizes))
        own = gpu_seconds(cuda_contractions.contract, name, left, w)
        tile, parts = chosen_tile(name == "signed", *sizes, processors())
        unit = (4 if name == "signed" else 1) * math.prod(sizes) / most
        cells = [f"{t} {q} {s * 1e6:.1f} {unit / s:.2f}" for s, t, q in measured[:2]]
        cells.append(f"chosen {label(tile)} {parts} {own * 1e6:.1f} {unit / own:.2f}")
        print("x".join(map(str, shape)), name, way, "|", " | ".join(cells), flush=True)
        for other, terms in product((tile,), UNROLLED):
            less = label(replace(other, unroll=terms))
            ratios[f"{name} {less} / {label(tile)}"] += [
                s / own for s, t, q in measured if (t, q) == (less, parts)
            ]
        figures = {"shape": shape, "name": name, "way": way, "own": own, "share": unit / own}
        FIGURES["tiles"].append({**figures, "regret": own / measured[0][0], "measured": measured})
    for pair, found in ratios.items():
        if found:
            print(f"{pair}: {min(found):.3f} to {max(found):.3f} of the time, at {len(found)} shapes")


@cache
def processors() -> int:
    """Of the GPU."""
    return int(torch.cuda.get_device_properties().multi_processor_count)


def label(tile: Tile) -> str:
    """Short."""
    return f"{tile.rows}x{tile.columns}/{tile.thread_rows}x{tile.thread_columns}/{tile.blocks}/{tile.unroll}"


def rows() -> None:
    """Single rows, beside one product of torch's."""
    for shape, way in product(ROWS, ("", "w.T")):
        p, low, w = operands(shape, way)
        cells = []
        for name, left in (("max", [p]), ("signed", [p, low])):
            taken = gpu_seconds(cuda_contractions.contract, name, left, w)
            cells.append(f"{name} {taken * 1e6:.1f} us {w.numel() * 4 / taken / 1e12:.2f} TB/s")
        cells.append(f"mm {gpu_seconds(torch.matmul, p, w) * 1e6:.1f} us")
        print("row", "x".join(map(str, shape)), way, *cells, flush=True)


def for_the_documentation() -> None:
    """The figures that the page on speed names."""
    figures = {tuple(case["shape"]): case for case in reversed(FIGURES["tiles"]) if case["name"] == "max"}
    for shape in ((2048, 2048, 8192), (2048, 8192, 2048), (512, 3072, 768), (128, 768, 3072)):
        print("max", "x".join(map(str, shape)), f"{figures[shape]['share']:.2f} of 64 maxima a clock and SM")
    print(
        f"farthest from the best way: {max(case['regret'] for case in FIGURES['tiles']):.3f} times its time"
    )
    print(
        "a call:",
        FIGURES["host"]["max"],
        "us of the host, beside",
        FIGURES["host"]["mm"],
        "us of a plain product",
    )
    print("first contraction:", FIGURES["first"])


if __name__ == "__main__":
    main()
