"""An explanation as tables: tokens and routes as rows, routes as labelled variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from semiring_widgets.results.frames import frame_of
from semiring_widgets.results.parts import Statistic, Token
from semiring_widgets.results.rankings import Ranking

__all__ = ["routes_dataset", "routes_frame", "tokens_frame"]

_NUMBERS: Final = {
    "log_weight": "log |weight| of the best path of this route (nats)",
    "sign": "sign of that path (-1, 1)",
    "log_mass": "log of the sum of |weight| over the paths of this route (nats)",
    "share": "mass relative to that of all paths (0-1)",
    "contribution": "signed sum of weight times input minus reference over its paths",
    "cancellation": "|contribution| relative to the sum of absolute values (0-1)",
}


def tokens_frame(
    tokens: Sequence[Token], dataset: xr.Dataset, statistics: Sequence[Statistic]
) -> pd.DataFrame:
    """One row per token of the first stream; see `Explanation.to_pandas`."""
    rows = frame_of([asdict(token) for token in tokens]).set_index("index")
    for name, variable in dataset.data_vars.items():
        if variable.dims == ("token",):
            rows[str(name).removeprefix("token_")] = variable.values[: len(rows)]
    for number, statistic in enumerate(statistics):
        name = f"{statistic.name} statistic" if statistic.name in rows else statistic.name
        rows[name] = dataset["token_statistic"].values[number, : len(rows)]
    return rows


def routes_frame(rankings: Sequence[Ranking]) -> pd.DataFrame:
    """One row per route of each ranking, indexed by ranking and rank."""
    rows = [
        {"by": ranking.by, **{name: value for name, value in vars(route).items() if name != "steps"}}
        for ranking in rankings
        for route in ranking.routes
    ]
    columns = ["by", "rank", "sentence", "label", *_NUMBERS, "share_of_best", "probability", "all_skip"]
    return frame_of(rows, columns).set_index(["by", "rank"])


def routes_dataset(rankings: Sequence[Ranking]) -> xr.Dataset:
    """The routes as variables over ``ranking`` and ``rank``, and what each ranking leaves out.

    Args:
        rankings: of any lengths; the shorter ones end with NaN and empty sentences.
    """
    longest = max((len(ranking.routes) for ranking in rankings), default=0)
    axes, shape = ("ranking", "rank"), (len(rankings), longest)
    sentences = np.full(shape, "", dtype=object)
    numbers = {name: np.full(shape, np.nan) for name in _NUMBERS}
    for row, ranking in enumerate(rankings):
        for column, route in enumerate(ranking.routes):
            sentences[row, column] = route.sentence
            for name, values in numbers.items():
                values[row, column] = getattr(route, name)
    return xr.Dataset(
        {
            "route_sentence": (axes, sentences.astype(str)),
            **{
                f"route_{name}": (axes, values, {"long_name": _NUMBERS[name]})
                for name, values in numbers.items()
            },
            **{
                f"ranking_{name}": ("ranking", [getattr(ranking, name) for ranking in rankings])
                for name in ("missed", "uncovered", "rest", "remark")
            },
        },
        coords={"ranking": [ranking.by for ranking in rankings], "rank": np.arange(longest)},
    )
