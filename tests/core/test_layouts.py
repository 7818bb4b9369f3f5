"""Results lie in memory as they do outside of a recording: models view them, and some layouts cannot be."""

import pytest
import torch
from torch.nn import functional as f

import semiring_widgets as sw
from semiring_widgets.vocabulary import GRANULARITIES

LAYOUTS = {
    "transposed": torch.ones(2, 5, 4).transpose(1, 2),
    "permuted": torch.ones(2, 4, 3, 5).permute(0, 2, 3, 1),
    "channels last": torch.ones(2, 4, 3, 5).to(memory_format=torch.channels_last),
    "channels last of a volume": torch.ones(2, 4, 3, 5, 2).to(memory_format=torch.channels_last_3d),
}
CALLS = {
    "layer norm": lambda x: f.layer_norm(x, x.shape[-1:], torch.ones(x.shape[-1])),
    "rms norm": lambda x: f.rms_norm(x, x.shape[-1:], torch.ones(x.shape[-1])),
    "group norm": lambda x: f.group_norm(x, 1),
    "batch norm": lambda x: f.batch_norm(x, torch.zeros(x.shape[1]), torch.ones(x.shape[1])),
    "batch norm in training": lambda x: f.batch_norm(x, None, None, training=True),
    "softmax": lambda x: x.softmax(1),
    "log softmax": lambda x: x.log_softmax(-1),
    "safe softmax": lambda x: torch.ops.aten._safe_softmax(x, -1),
    "linear": lambda x: f.linear(x, torch.ones(3, x.shape[-1])),
    "product": lambda x: x @ x.mT,
    "attention": lambda x: f.scaled_dot_product_attention(x, x, x),
}


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", CALLS)
def test_strides(call, layout, granularity):
    x = LAYOUTS[layout]
    expected = CALLS[call](x).stride()
    with sw.record(granularity=granularity):
        assert CALLS[call](x).stride() == expected


def test_a_view_of_a_norm_of_a_transposed_tensor():
    x = LAYOUTS["transposed"]

    def score(x):
        return f.layer_norm(x, (5,)).view(2, 20).softmax(1)[0, 0]

    with sw.record() as tape:
        found = score(x)
    torch.testing.assert_close(found, score(x))
    assert sw.backprop(tape, found, wrt=x).value.shape == x.shape


def test_batch_norm_of_one_image_read_by_position():
    """Where autograd itself errs (PyTorch 2.13, CPU): it takes the transposed gradient in the wrong order."""
    norm = torch.nn.BatchNorm2d(4).double().eval()
    norm.running_var.copy_(torch.arange(1.0, 5.0))
    x, weights = torch.randn(1, 4, 2, 3).double(), torch.randn(1, 6, 4).double()
    with sw.record() as tape:
        score = (norm(x).flatten(2).transpose(1, 2) * weights).sum()
    scale = (norm.running_var + norm.eps).rsqrt()
    expected = (weights * scale).transpose(1, 2).reshape(x.shape)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, expected)
