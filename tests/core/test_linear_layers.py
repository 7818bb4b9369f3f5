"""Linear layers of many rows at once: one product, the numbers of one row after the other."""

import pytest
import torch

from semiring_widgets.core.replay import linear_layers
from semiring_widgets.core.replay.linear_layers import linear_layer


def given(dtype, laid_out):
    torch.manual_seed(0)
    x = torch.randn(5, 30, 16, dtype=dtype)
    weight = (
        torch.randn(16, 24, dtype=dtype).t() if laid_out == "transposed" else torch.randn(24, 16, dtype=dtype)
    )
    return x, weight, torch.randn(24, dtype=dtype)


@pytest.mark.parametrize("laid_out", ["as it is", "transposed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("onednn", [True, False])
def test_a_batch_is_its_rows(dtype, laid_out, onednn, monkeypatch):
    monkeypatch.setattr(linear_layers, "_HAS_ONEDNN", onednn and linear_layers._HAS_ONEDNN)
    x, weight, bias = given(dtype, laid_out)
    for own in (bias, None):
        expected = torch.stack([torch.nn.functional.linear(row, weight, own) for row in x])
        for batch, dim in ((x, 0), (x.movedim(0, 1), 1), (x[:, None], 0)):
            found = torch.vmap(lambda row, own=own: linear_layer(row, weight, own), in_dims=dim)(batch)
            torch.testing.assert_close(found.reshape(expected.shape), expected)


def test_where_more_than_the_rows_is_in_the_batch():
    x, weight, bias = given(torch.float64, "as it is")
    weights, biases = torch.stack([weight, 2 * weight]), torch.stack([bias, -bias])
    expected = torch.stack(
        [torch.nn.functional.linear(x[0], w, b) for w, b in zip(weights, biases, strict=True)]
    )
    torch.testing.assert_close(torch.vmap(lambda w, b: linear_layer(x[0], w, b))(weights, biases), expected)
    shifts = torch.randn(2, 30, 24, dtype=torch.float64)
    expected = x[0] @ weight.t() + shifts
    torch.testing.assert_close(torch.vmap(lambda b: linear_layer(x[0], weight, b))(shifts), expected)


def test_large_batches_go_to_onednn(monkeypatch):
    if not linear_layers._HAS_ONEDNN:
        pytest.skip("this PyTorch has no oneDNN")
    x, weight, bias = given(torch.float32, "as it is")
    seen = []
    real = linear_layers._in_onednn
    monkeypatch.setattr(linear_layers, "_in_onednn", lambda *args: seen.append(real(*args)) or seen[-1])
    torch.vmap(lambda row: linear_layer(row, weight, bias))(x)
    torch.vmap(lambda row: linear_layer(row, weight, bias))(x[:2])
    assert seen == [True, False]
