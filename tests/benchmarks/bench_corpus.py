"""Rows a second of a corpus run beside a loop over `explain`, and what Ray costs beyond its start.

The embedded model, sentences of nearly 16 tokens, all that is asked by default. "explain" is one call a row;
"corpus" a run of several batches, tables written. With ``--ray``, a run of the same chunks by one worker of
Ray beside one without, both from the end of the first chunk to the end of the last: seconds of the wall, and
of the processor in all processes. ``BENCHMARK_CLOCK=processor`` for the first table on a loaded machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from typing import Any

import psutil

import semiring_widgets as sw
from tests.benchmarks.measuring import Report, interleaved

TOKENS = 16


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--batches", type=int, nargs="+", default=[1, 16, 32])
    options.add_argument("--ray", type=int, default=0, metavar="CHUNKS", help="measure Ray by so many chunks")
    chosen = options.parse_args()
    model, tokenizer = sw.load_demo()
    rows = rows_of(tokenizer, 64)
    if chosen.ray:
        report = Report("corpus_on_ray")
        many = rows * chosen.ray
        for engine in ("local", "ray"):
            report.add(engine=engine, **between_chunks(model, tokenizer, many[: 32 * chosen.ray], engine))
    else:
        report = Report("corpus")
        for row in beside_explain(model, tokenizer, rows, chosen.batches, chosen.rounds):
            report.add(**row)
    print(report.write())


def rows_of(tokenizer: Any, count: int) -> list[dict[str, str]]:
    """The agreement pairs whose lengths are nearest to the wanted one."""
    pairs = sw.tasks.agreement_pairs(n=20 * count, attractors=2)
    pairs = sorted(pairs, key=lambda pair: abs(len(tokenizer(pair.text).input_ids) - TOKENS))[:count]
    return [{"text": pair.text, "target": pair.target, "contrast": pair.contrast} for pair in pairs]


def beside_explain(model: Any, tokenizer: Any, rows: Any, batches: list[int], rounds: int) -> Any:
    """Milliseconds a row of both, and their ratio, by size of batch."""
    few = rows[:: len(rows) // 4][:4]

    def loop() -> None:
        for row in few:
            sw.explain(model, tokenizer, row["text"], row["target"], row["contrast"])

    def run(size: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            sw.explain_corpus(model, tokenizer, rows, out=folder, batch_size=size)

    cases = {"explain": loop, **{f"corpus, {size}": lambda size=size: run(size) for size in batches}}
    seconds = interleaved(cases, rounds)
    each = {name: taken / (len(few) if name == "explain" else len(rows)) for name, taken in seconds.items()}
    tokens = sum(len(tokenizer(row["text"]).input_ids) for row in rows) / len(rows)
    for name, taken in each.items():
        yield {
            "case": name,
            "tokens": tokens,
            "ms a row": 1e3 * taken,
            "times faster": each["explain"] / taken,
        }


def between_chunks(model: Any, tokenizer: Any, rows: Any, engine: str) -> dict[str, float]:
    """From the end of the first chunk to that of the last."""
    marks: list[tuple[float, float]] = []

    def mark(done: int, _: int) -> None:
        if done and done % 32 == 0:
            marks.append((time.perf_counter(), processor()))

    with tempfile.TemporaryDirectory() as folder:
        more = {"workers": 1} if engine == "ray" else {}
        sw.explain_corpus(
            model, tokenizer, rows, out=folder, chunk_size=32, engine=engine, progress=mark, **more
        )
    wall, used = (last - first for first, last in zip(marks[0], marks[-1], strict=True))
    return {"rows": len(rows) - 32, "wall s": wall, "processor s": used}


def processor() -> float:
    """Seconds of this process and all below it so far."""
    own = psutil.Process()
    found = 0.0
    for one in (own, *own.children(recursive=True)):
        try:
            taken = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        found += taken.user + taken.system
    return found


if __name__ == "__main__":
    main()
