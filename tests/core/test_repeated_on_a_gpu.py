"""`repeated` on a GPU: replays are what recording and sweeping give, to the last digit."""

import gc
import threading

import pytest
import torch

import semiring_widgets as sw
from tests.core.test_repeated_graphs import MODELS, Net, assert_same, ordinary

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason="There is no CUDA device here; no graph was captured."
    ),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_replays_are_the_ordinary_numbers(name, masked, dtype):
    torch.manual_seed(0)
    model = MODELS[name]().to("cuda", dtype).eval().requires_grad_(requires_grad=False)
    mask = torch.ones(2, 6, dtype=torch.long, device="cuda")
    mask[1, 4:] = 0

    def scores(x, *mask):
        logits = model(inputs_embeds=x, attention_mask=mask[0] if mask else None).logits
        return logits[:, 2, 3] - logits[:, 2, 5]

    for semiring in ("sum", "abs", "max", "entropy", "fused"):
        ask = sw.repeated(scores, semiring)
        for _ in range(4):
            given = (torch.randn(2, 6, 24, dtype=dtype, device="cuda"), *([mask] if masked else []))
            assert_same(ask(*given), ordinary(scores, *given, semiring=semiring)[1])
        assert ask.captured == 1, ask.refusals
        assert ask.nbytes > 0


def test_a_capture_that_cuda_gives_up_leaves_no_trace():
    def waits(x):
        torch.cuda.synchronize()
        return (x * x).sum()

    ask = sw.repeated(waits)
    for _ in range(3):
        x = torch.randn(5, device="cuda")
        torch.testing.assert_close(ask(x).value, 2 * x)
    assert (ask.captured, len(ask.refusals)) == (0, 1)
    other = sw.repeated(lambda x: (x * x).sum() + torch.tensor(3.0, device="cuda") * x.sum())
    for _ in range(3):
        x = torch.randn(5, device="cuda")
        torch.testing.assert_close(other(x).value, 2 * x + 3)
    assert other.captured == 1, other.refusals


def test_threads_on_streams_of_their_own_and_memory_that_is_given_back():
    net = Net().to("cuda")
    ask = sw.repeated(net, "max")
    for _ in range(2):
        ask(torch.randn(3, 5, device="cuda"))
    xs = [torch.randn(3, 5, device="cuda") for _ in range(12)]
    torch.cuda.synchronize()
    found = {}

    def work(numbers):
        with torch.cuda.stream(torch.cuda.Stream()):
            for number in numbers:
                found[number] = ask(xs[number])
        torch.cuda.synchronize()

    threads = [threading.Thread(target=work, args=(range(start, 12, 3),)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, x in enumerate(xs):
        assert_same(found[number], ordinary(net, x, semiring="max")[1])
    before = torch.cuda.memory_reserved()
    ask.reset()
    gc.collect()
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() < before
