"""The ten thousand best paths, in order, with ties, against all paths multiplied out."""

import pytest
import torch

import semiring_widgets as sw


@pytest.mark.parametrize("values", [[0.5, 1.0, -2.0], None], ids=["ties", "no ties"])
def test_ten_thousand_paths(values):
    """27 000 paths through a chain of matrices; powers of two make whole ranges of them equal."""
    noise = torch.Generator().manual_seed(0)
    sizes = [(5, 6), (6, 6), (6, 10), (10, 15), (15, 1)]
    if values is None:
        matrices = [torch.randn(s, generator=noise, dtype=torch.float64) for s in sizes]
    else:
        chosen = torch.tensor(values, dtype=torch.float64)
        matrices = [chosen[torch.randint(3, s, generator=noise)] for s in sizes]
    x = torch.ones(1, 5, dtype=torch.float64)
    with sw.record() as tape:
        out = x
        for matrix in matrices:
            out = out @ matrix
        score = out[0, 0] * 1
    a, b, c, d, e = matrices
    weights = a[:, :, None, None, None] * b[:, :, None, None] * c[:, :, None] * d * e[:, 0]
    order = weights.flatten().abs().sort(descending=True).values
    for k in (1, 137, 10_000):
        paths = sw.top_paths(tape, score, x, k=k)
        found = torch.tensor([path.weight for path in paths], dtype=torch.float64)
        torch.testing.assert_close(found.abs(), order[:k], rtol=1e-12, atol=0)
        places = {(path.start, *(step.index for step in path.steps)) for path in paths}
        assert len(places) == k
    for path in paths[::500]:
        inner = [step.index[-1] for step in path.steps if step.op == "aten.mm.default"]
        assert path.weight == pytest.approx(float(weights[(path.start[-1], *inner[:-1])]), rel=1e-12)
