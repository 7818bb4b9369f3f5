"""Subject-verb agreement: path grads by branch and layer, for the tokens that the paper looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

import semiring_widgets as sw
from examples.studies.paper.agreement_model import six_layers
from examples.studies.paper.consumers import BRANCHES, chosen, path_grads, recorded
from examples.studies.paper.means import means
from examples.studies.paper.sentences import Batch, batches, drawn, known, right

GROUPS = ("all", "subject", "attractor", "mask")
STATISTICS = ("path grad", "chosen branch", "oplus")


def model_of(name: str) -> tuple[Any, Any]:
    """``"embedded"`` or ``"six layers"``, and the tokenizer."""
    return sw.load_demo() if name == "embedded" else six_layers()


def measure(model_name: str, level: str, granularity: str, sentences: int | None) -> pd.DataFrame:
    """One model, one way of counting.

    Args:
        model_name: as in `model_of`.
        level: ``"branch"``, as published, or ``"unit"``.
        granularity: which graph is counted.
        sentences: a seeded sample of so many, or None for all.

    Returns:
        One row for each ``statistic``, ``group`` of tokens, ``layer`` and ``branch``: the ``mean`` over
        sentences with its interval; and the share of sentences predicted right.
    """
    model, tokenizer = model_of(model_name)
    pairs = known(tokenizer)
    pairs = pairs if sentences is None else drawn(pairs, sentences)
    found, hits = [], []
    for batch in batches(tokenizer, pairs):
        grads = path_grads(recorded(model, batch.ids, batch.score, granularity), level)
        found.append(_by_group(batch, grads))
        hits.append(right(model, batch))
    values = torch.cat(found)
    mean, low, high = (numbers.reshape(values.shape[1:]) for numbers in means(values.flatten(1).numpy()))
    n = (~values.isnan()).sum(0)
    rows = [
        {
            "statistic": STATISTICS[place[0]],
            "group": GROUPS[place[1]],
            "layer": place[2],
            "branch": BRANCHES[place[3]],
            "n": int(n[place]),
            "mean": mean[place],
            "low": low[place],
            "high": high[place],
        }
        for place in np.ndindex(mean.shape)
    ]
    share, least, most = (float(end[0]) for end in means(torch.cat(hits).double().numpy()[:, None]))
    accuracy = {"statistic": "accuracy", "n": len(pairs), "mean": share, "low": least, "high": most}
    frame = pd.DataFrame([*rows, accuracy])
    return frame.assign(experiment="agreement", setting=model_name, level=level, granularity=granularity)


def _by_group(batch: Batch, grads: Tensor) -> Tensor:
    """Means over the tokens of a group; shape (B, statistics, groups, layers, branches), NaN without any."""
    best = chosen(grads)
    values = torch.stack([grads, best, grads * best], 1)
    groups = torch.stack([batch.groups[name] for name in GROUPS], 1).float()
    sums = torch.einsum("bslct,bgt->bsglc", values, groups)
    return (sums / groups.sum(-1)[:, None, :, None, None]).double()
