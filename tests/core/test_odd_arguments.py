"""Odd values in every argument of the core: an answer, or a sentence of the one exception family."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import semiring_widgets as sw
from semiring_widgets import semirings

ODD = [
    None, "", " ", "x", b"x", "\ud800", 0, -1, 10**9, 10**30, 1.5, math.nan, math.inf, True, np.int64(1),
    np.float32(1), np.array(1), np.ones(2), torch.tensor(1), torch.tensor(1.0), torch.ones(2, 5), [], (),
    [None], {}, {"a": 1}, object(), object, nn.Linear(1, 1), lambda: 1, torch.ones(3, dtype=torch.long),
]  # fmt: skip


def failures(call):
    """What is raised for the odd values, less what is refused by a sentence, and how much is refused."""
    raw, refused = [], 0
    for value in ODD:
        try:
            call(value)
        except sw.SemiringWidgetsError as error:  # noqa: PERF203
            refused += 20 < len(str(error)) < 600
        except Exception as error:  # noqa: BLE001
            raw.append((repr(value)[:40], repr(error)[:100]))
    return raw, refused


@pytest.fixture(scope="module")
def given():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(2, 1, 2, batch_first=True, dropout=0.0)
    model = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False).eval()
    x = torch.randn(1, 2, 2)
    with sw.record() as tape:
        score = model(x)[0, -1, 1]
    return {"tape": tape, "score": score, "wrt": x}


FUNCTIONS = {
    sw.backprop: ("tape", "score", "wrt", "semiring", "level", "max_memory"),
    sw.estimate_memory: ("tape", "score", "wrt", "semiring", "level"),
    sw.top_paths: ("tape", "score", "wrt", "k", "max_memory"),
    sw.sample_paths: ("n", "seed", "max_memory"),
    sw.select_paths: ("through", "avoiding", "leaving_skip", "max_memory"),
    sw.path_lengths: ("of", "max_memory"),
    sw.top_routes: ("k", "by", "direction", "width", "samples", "seed", "max_memory"),
    sw.flow: ("tape", "score", "wrt", "direction", "maps", "max_memory"),
}


@pytest.mark.parametrize(
    ("function", "argument"),
    [(function, argument) for function, names in FUNCTIONS.items() for argument in names],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_functions_of_a_tape(function, argument, given):
    raw, refused = failures(lambda value: function(**{**given, argument: value}))
    assert not raw
    assert refused > 10


def test_everything_else(given):
    chosen = sw.select_paths(**given)
    result = sw.backprop(**given, semiring="entropy")
    (route,) = sw.top_routes(**given, k=1)
    calls = {
        "granularity": lambda value: sw.record(value).__enter__(),
        "limit": lambda value: sw.record(max_memory=value).__enter__(),
        "values": lambda value: sw.record(values=value).__enter__(),
        "reduce": result.reduce,
        "several": lambda value: result.reduce([value, 0]),
        "backprop": chosen.backprop,
        "top_paths": chosen.top_paths,
        "contribution": chosen.contribution,
        "cancellation": chosen.cancellation,
        "route": route.top_paths,
        "KBest": semirings.KBest,
        "Hops": semirings.Hops,
        "BranchMax": semirings.BranchMax,
        "Product": semirings.Product,
        "check_laws": semirings.check_laws,
        "trials": lambda value: semirings.check_laws(semirings.Sum(), trials=value),
        "seed": lambda value: semirings.check_laws(semirings.Sum(), seed=value),
        **{name: lambda value, name=name: sw.select_paths(**given, through={"layer": 0, name: value})
           for name in ("head", "token", "branch")},
        "layer": lambda value: sw.select_paths(**given, through={"layer": value}),
        "stream": lambda value: sw.select_paths(**given, through={"token": 0, "stream": value}),
    }  # fmt: skip
    found = {name: failures(call) for name, call in calls.items()}
    assert not {name: raw for name, (raw, _) in found.items() if raw}
    assert all(refused > 10 for _, refused in found.values())


@pytest.mark.parametrize("three", [np.int64(3), np.int32(3), torch.tensor(3)])
def test_numbers_of_numpy_and_torch(three, given):
    def told(number):
        return (
            [path.log_weight for path in sw.sample_paths(**given, n=number, seed=number)],
            [path.log_weight for path in sw.top_paths(**given, k=number)],
            semirings.KBest(number).name,
        )

    assert told(three) == told(3)
    result = sw.backprop(**given)
    assert torch.equal(result.reduce(three - 1).value, result.reduce(2).value)
