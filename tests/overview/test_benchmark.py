"""The benchmark of the view runs, on few texts."""

import json

from tests.benchmarks import bench_overview


def test_rows_of_the_benchmark(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BENCHMARKS", str(tmp_path))
    bench_overview.main(["--texts", "60", "200", "--rounds", "1"])
    rows = json.loads((tmp_path / "overview.json").read_text("utf-8"))["rows"]
    assert [row["texts"] for row in rows] == ["60", "200"]
    for row in rows:
        assert all(value > 0 for name, value in row.items() if name != "texts")
    assert rows[1]["page MB"] > rows[0]["page MB"]
    assert "brush 0.01, ms" in capsys.readouterr().out
