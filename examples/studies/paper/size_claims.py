"""What became of the claims about entropy and the size of the model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from examples.studies import Claim, Report, Table
from examples.studies.bootstrap import interval
from examples.studies.paper.reading import number, over_seeds, pick, seeds, sign_of, verdict, with_interval

PUBLISHED = {4: 2.31, 8: 2.83, 16: 3.75, 32: 4.47, 64: 5.10, 128: 5.79}
PUBLISHED_OTHERS = {4: 2.29, 8: 2.85, 16: 3.61, 32: 4.32, 64: 4.95, 128: 5.61}


def report(rows: pd.DataFrame) -> Report:
    """Claims and tables; of the rows of widths and depths."""
    widths, depths = (pick(rows, experiment=name, statistic="entropy") for name in ("width", "depth"))
    claims, tables = [], []
    if not widths.empty:
        wide = widths[widths["setting"].str.startswith("1 hidden")]
        claims += [_slope(wide), _relevant(wide)]
        tables.append(_widths(wide))
    deep = pd.concat([_perceptrons(widths), _transformers(depths)])
    if not deep.empty:
        claims += [_depth(own, str(name)) for name, own in deep.groupby("model", sort=False)]
    return Report(claims, tables)


def slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Least-squares slope, with a 95 % bootstrap interval over the points.

    >>> [round(float(end), 6) for end in slope(np.arange(5.0), 2 * np.arange(5.0))]
    [2.0, 2.0, 2.0]
    """

    def of(some: np.ndarray) -> float:
        return float(np.polyfit(x[some], y[some], 1)[0]) if np.ptp(x[some]) > 0 else float("nan")

    return of(np.arange(len(x))), *interval(len(x), of)


def _width(settings: pd.Series) -> pd.Series:
    return settings.str.extract(r"width (\d+)")[0].astype(int)


def _slope(rows: pd.DataFrame) -> Claim:
    own = pick(rows, granularity="paper", group="relevant")
    published = " ".join(f"{value:.2f}" for value in PUBLISHED.values())
    found = slope(np.log(_width(own["setting"]).to_numpy(dtype=float)), own["mean"].to_numpy())
    by_width = " ".join(f"{value:.2f}" for value in own.groupby(_width(own["setting"]))["mean"].mean())
    return Claim(
        "Entropy is about the logarithm of the width.",
        f"FFOOM, width 4 to 128: {published} nats (slope 1.00)",
        f"FFOOM, perceptrons, one hidden layer (ReLU), {seeds(own)}; relevant feature",
        f"{by_width} nats; slope {with_interval(*found)}, n = {len(own)}",
        verdict(found[1] <= 1 <= found[2]),
    )


def _relevant(rows: pd.DataFrame) -> Claim:
    own = pick(rows, granularity="paper").pivot_table(
        index=["setting", "seed"], columns="group", values="mean"
    )
    own = own[_width(own.index.get_level_values("setting").to_series()).to_numpy() >= 16]
    told, above = sign_of((own["relevant"] - own["irrelevant"]).to_numpy())
    differences = [PUBLISHED[width] - PUBLISHED_OTHERS[width] for width in PUBLISHED if width >= 16]
    return Claim(
        "From width 16 on the relevant feature has a little more entropy than the others.",
        "+" + " +".join(f"{value:.2f}" for value in differences) + " nats",
        "As above; relevant minus irrelevant, by model",
        f"{told} (nats)",
        verdict(bool(above)),
    )


def _widths(rows: pd.DataFrame) -> Table:
    names = rows["group"] + ", " + rows["granularity"]
    frame = rows.assign(width=_width(rows["setting"]), name=names)
    frame = frame.pivot_table(index="width", columns="name", values="mean").reset_index()
    frame["published, relevant"] = frame["width"].map(PUBLISHED)
    frame["published, irrelevant"] = frame["width"].map(PUBLISHED_OTHERS)
    return Table(
        "FFOOM: entropy of a feature by width of the perceptron",
        frame,
        "Nats, means over seeds and 200 test examples. With granularity paper, log_softmax has more parallel "
        "edges than with primitive: a constant more.",
    )


def _perceptrons(rows: pd.DataFrame) -> pd.DataFrame:
    own = rows[rows["setting"].str.endswith("width 16")]
    own = pick(own, granularity="paper", group="relevant")
    return own.assign(
        layer=own["setting"].str.extract(r"^(\d+)")[0].astype(float), model="perceptron, width 16"
    )


def _transformers(rows: pd.DataFrame) -> pd.DataFrame:
    return pick(rows, granularity="paper").assign(model="BERT, width 64, Contains1FirstToken")


def _depth(rows: pd.DataFrame, model: str) -> Claim:
    found = slope(rows["layer"].to_numpy(dtype=float), rows["mean"].to_numpy())
    by_depth = ", ".join(f"{depth:.0f}: {over_seeds(own)}" for depth, own in rows.groupby("layer"))
    return Claim(
        f"Entropy grows with depth ({model}).",
        "no figure known here",
        f"{seeds(rows)}, layers 1 to {int(rows['layer'].max())}, granularity paper",
        f"{number(found[0])} nats a layer {with_interval(*found).partition(' ')[2]}; {by_depth}",
        verdict(found[1] > 0),
    )
