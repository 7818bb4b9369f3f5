"""Whether routes and token attributions name what was set by hand."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pandas as pd
from torch import Tensor, nn

import semiring_widgets as sw
from examples.studies.planted.hand_set import HAND_SET, HandSet, Way
from examples.studies.ranks import auroc

__all__ = ["measure_hand_set", "way_of"]

RANKINGS = ("best", "mass", "contribution")


def measure_hand_set(name: str) -> pd.DataFrame:
    """Routes of every ranking, and tokens of several methods, on a model that was set by hand.

    Args:
        name: one of `HAND_SET`.

    Returns:
        Columns ``model``, ``method``, ``statistic``, ``value`` and ``told``. Of routes: ``heads``, the share
        of the first route's heads that are planted; ``ways``, the share of the planted ways among as many
        first routes. Of tokens: ``words``, the AUROC of the words that the answer depends on.
    """
    planted = HAND_SET[name]()
    rows = [*_of_routes(planted), *_of_tokens(planted)]
    return pd.DataFrame(rows).assign(model=planted.name, models="hand-set")


def way_of(route: sw.Route) -> Way:
    """A route as it is planted: where it begins, and the branches that it takes."""
    taken = tuple((leg.layer, leg.branch, leg.head) for leg in route.legs if "skip" not in leg.branch)
    return route.token, taken


def _of_routes(planted: HandSet) -> list[dict[str, object]]:
    x = planted.inputs(planted.tokens)
    heads = {leg[::2] for _, legs in planted.ways for leg in legs if leg[2] is not None}
    rows: list[dict[str, object]] = []
    for by in RANKINGS:
        with sw.record() as tape:
            score = planted.score(x)[0]
        found = [way_of(route) for route in sw.top_routes(tape, score, x, k=len(planted.ways), by=by)]
        taken = [leg[::2] for leg in found[0][1] if leg[2] is not None]
        told = "; ".join(_told(way) for way in found)
        method = f"sw.top_routes, {by}"
        named = sum(head in heads for head in taken) / len(taken) if taken else 0.0
        rows.append({"method": method, "statistic": "heads", "value": named, "told": told})
        share = sum(way in found for way in planted.ways) / len(planted.ways)
        rows.append({"method": method, "statistic": "ways", "value": share, "told": told})
    return rows


def _told(way: Way) -> str:
    token, legs = way
    return " → ".join([f"token {token}", *(_name(*leg) for leg in legs)])


def _name(layer: int, branch: str, head: int | None) -> str:
    return f"m{layer}" if head is None else f"a{layer}.h{head} {branch}"


class _Scored(nn.Module):
    """The score as a module, as DeepLift wants it."""

    def __init__(self, planted: HandSet) -> None:
        super().__init__()
        self.model, self._planted = planted.model, planted

    def forward(self, inputs: Tensor) -> Tensor:
        return self._planted.score(inputs)


def _of_tokens(planted: HandSet) -> list[dict[str, object]]:
    from captum.attr import DeepLift, InputXGradient, IntegratedGradients, Saliency

    x, scored = planted.inputs(planted.tokens), _Scored(planted)
    methods: dict[str, Callable[[], Tensor]] = {
        "Captum Saliency": lambda: Saliency(scored).attribute(x.clone().requires_grad_(), abs=True),
        "Captum InputXGradient": lambda: InputXGradient(scored).attribute(x.clone().requires_grad_()),
        "Captum IntegratedGradients": lambda: IntegratedGradients(scored).attribute(x, n_steps=50),
        "Captum DeepLift": lambda: DeepLift(scored).attribute(x.clone().requires_grad_()),
    }
    true = [token in planted.words for token in range(x.shape[1])]
    rows: list[dict[str, object]] = []
    for method, ask in methods.items():
        with warnings.catch_warnings():
            # DeepLift tells that it sets hooks for a while.
            warnings.filterwarnings("ignore", "Setting forward", UserWarning)
            size = ask().detach().sum(-1)[0].abs()
        order = size.argsort(descending=True).tolist()
        told = "tokens " + ", ".join(str(token) for token in order[: sum(true)])
        found = auroc(size.tolist(), true)
        rows.append({"method": method, "statistic": "words", "value": found, "told": told})
    return rows
