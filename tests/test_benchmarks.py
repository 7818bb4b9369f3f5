"""The benchmark of GPUs, as far as it can run without one: tiny models on a CPU."""

import json
import subprocess
import sys

import pytest
import torch

from tests.benchmarks import bench_gpu

CPU = torch.device("cpu")
TINY = {
    "BERT-base": {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8,
                  "vocab_size": 10},
    "GPT-2": {"n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 10},
    "Llama 1B": {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
                 "intermediate_size": 8, "vocab_size": 10},
}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", list(bench_gpu.MODELS))
def test_a_row_of_sweeps(name, dtype):
    row = bench_gpu.sweeps(name, dtype, 4, CPU, 1, **TINY[name])
    assert row["model"].startswith(name)
    assert row["model"].endswith("x 4")
    for sweep in bench_gpu.SWEEPS:
        assert row[f"{sweep} / backward"] == pytest.approx(row[sweep] / row["backward"])
    assert row["host reads of max"] > 0


@pytest.mark.parametrize(
    ("name", "parameters"), [("BERT-base", 110e6), ("GPT-2", 124e6), ("Llama 1B", 1236e6)]
)
def test_models_have_the_sizes_they_are_named_for(name, parameters):
    with torch.device("meta"):
        model = bench_gpu.MODELS[name](2048)
    # Positions up to 2048 are more than the first two come with.
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(parameters, rel=0.02)


def test_contractions_are_tabulated(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCHMARKS", str(tmp_path))
    bench_gpu.contractions(CPU, 1, [(4, 8, 6)], [(2, 4, 3, 4)], 1e12)
    rows = json.loads((tmp_path / "gpu_contractions.json").read_text("utf-8"))["rows"]
    assert [row["shape"] for row in rows] == ["4x8x6", "2x4x3x4"]
    for row, products in zip(rows, (4 * 8 * 6, 2 * 4 * 3 * 4), strict=True):
        assert row["max, share"] == pytest.approx(products / (row["max"] / 1e3) / 1e12)
        assert row["signed, share"] == pytest.approx(4 * products / (row["signed"] / 1e3) / 1e12)
    assert "max, share" in capsys.readouterr().out


def test_the_peak_is_processors_times_clock_times_64(monkeypatch):
    """An H100 SXM: 132 processors, 1980 MHz."""
    card = type("Card", (), {"multi_processor_count": 132, "clock_rate": 1_980_000})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: card)
    assert bench_gpu.peak() == pytest.approx(16.73e12, rel=1e-3)


def test_host_reads_are_counted():
    x = torch.arange(6.0)
    with bench_gpu.HostReads() as reads:
        y = (x + 1) * 2
        assert reads.count == 0
        assert float(y.sum()) == 42
        y[x > 3] = 0.0
        _ = x[x > 3]
        (x > 3).nonzero()
        _ = x[torch.tensor([0, 1])]
    assert reads.count == 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, which would be measured")
@pytest.mark.slow
def test_without_a_gpu_it_says_so_and_ends_well():
    command = [sys.executable, "-m", "tests.benchmarks.bench_gpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "There is no CUDA device here, so nothing was measured on a GPU.\n"
