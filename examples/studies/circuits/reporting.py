"""Claims and tables of the study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from pandas import DataFrame, concat

from examples.studies.circuits.cases import TASKS
from examples.studies.circuits.claims import claims
from examples.studies.circuits.faithful import STABLE_AT
from examples.studies.circuits.missed import LOOKS, PLANTED
from examples.studies.study import Report, Table
from semiring_widgets.core.circuits import FRACTIONS


def report(rows: DataFrame) -> Report:
    """What came out, of whatever cells there are."""
    every: list[Table] = []
    if "ranking" in rows:
        every += [*_areas(rows), *_curves(rows), *_stability(rows)]
    if "group" in rows:
        every += _missed(rows)
    return Report(claims=claims(rows), tables=every)


def told(value: float, low: float, high: float) -> str:
    """Text such as ``0.84 [0.80, 0.87]``; a dash where there is nothing."""
    return "–" if np.isnan(value) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def wide(rows: DataFrame, names: str, columns: str, order: Sequence[str]) -> DataFrame:
    """One row a method and one column a task (or what ``columns`` is), with intervals as text."""
    text = [told(*row) for row in zip(rows["value"], rows["low"], rows["high"], strict=True)]
    table = rows.assign(text=text).pivot_table(
        index=names, columns=columns, values="text", aggfunc="first", sort=False
    )
    there = [one for one in order if one in table.columns]
    return table[there].fillna("–").reset_index()


def _of(rows: DataFrame, **wanted: object) -> DataFrame:
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def _areas(rows: DataFrame) -> Iterator[Table]:
    for of in ("edges", "parts"):
        for measure, says in (
            ("CMD", "Area between the faithfulness and 1: 0 is best"),
            ("CPR", "Area under the faithfulness; more than 1 is possible, so read it beside CMD"),
        ):
            own = _of(rows, of=of, measure=measure)
            if not own.empty:
                yield Table(
                    title=f"{measure} of circuits of {of}",
                    frame=wide(own, "ranking", "task", TASKS),
                    note=f"{says}. 95 % intervals over the {int(own['sentences'].iloc[0])} sentences that "
                    f"circuits are scored on; they are found on others. Random is the mean of five draws."
                    + (_ALL_SIZES if of == "parts" else ""),
                    first=(measure, of) == ("CMD", "edges"),
                )


_ALL_SIZES = (
    " Parts are heads and feed-forward parts; as there are few, all sizes count, from none to all of them."
)


def _curves(rows: DataFrame) -> Iterator[Table]:
    for task in TASKS:
        own = _of(rows, of="edges", measure="f", task=task)
        if not own.empty:
            table = own.pivot_table(index="ranking", columns="fraction", values="value", sort=False)
            table = table[[round(k, 4) for k in FRACTIONS]].round(3)
            table.columns = [f"{100 * k:g} %" for k in FRACTIONS]
            yield Table(
                title=f"f(k) of edges, {task}",
                frame=table.reset_index(),
                note="Which share of the change from nothing to the whole model the first k % of the edges "
                "make, at the percentages of MIB.",
            )


def _stability(rows: DataFrame) -> Iterator[Table]:
    for of in ("edges", "parts"):
        own = _of(rows, of=of, measure="Jaccard", fraction=STABLE_AT[1])
        if own.empty:
            continue
        columns = own["task"] + ", n = " + own["sentences"].astype(str)
        own = own.assign(column=columns)
        order = list(dict.fromkeys(columns))
        yield Table(
            title=f"Stability of circuits of {of}",
            frame=wide(own, "ranking", "column", order),
            note=f"Jaccard index of the first {100 * STABLE_AT[1]:g} % of two rankings, each from n "
            f"sentences drawn with replacement; mean and range (95 %) of 200 pairs. Random: numbers "
            f"drawn for each sentence, which is what chance agreement comes to.",
        )


def _missed(rows: DataFrame) -> Iterator[Table]:
    for group, by in LOOKS:
        for measure, says in (
            ("missed", "whose first-order effect is in the lower half"),
            ("underestimated", "whose first-order effect is less than a quarter of it"),
        ):
            own = _of(rows, group=group, by=by, measure=measure)
            if own.empty:
                continue
            counts = own.drop_duplicates("task")
            count = DataFrame(
                {task: [str(int(n))] for task, n in zip(counts["task"], counts["parts"], strict=True)}
            )
            table = wide(own, "method", "task", (*TASKS, PLANTED))
            count.insert(0, "method", ["(parts to find)"])
            yield Table(
                title=f"What a gradient overlooks: heads' {group}, given {_words(by)}, {measure}",
                frame=concat([count, table])[table.columns].fillna("–"),
                note=f"Of the parts whose tested effect is in the top quarter of their sentence and {says}: "
                f"the share that each method has in its first quarter. Intervals over "
                f"{int(own['sentences'].iloc[0])} sentences. Chance is .25, and .5 for what draws from parts "
                f"of small contribution alone.",
            )
    own = _of(rows, measure="all")
    column = own["group"] + ", " + own["by"]
    pooled = own.assign(column=column, hits=own["value"] * own["parts"])
    sums = pooled.groupby(["method", "column"], sort=False)[["hits", "parts"]].sum().reset_index()
    sums["value"] = (sums["hits"] / sums["parts"]).round(3)
    yield Table(
        title="All parts that matter, overlooked or not",
        frame=sums.pivot_table(index="method", columns="column", values="value", sort=False).reset_index(),
        note="The share of the top quarter by tested effect that each method has in its first quarter, all "
        "tasks together: what is gained on overlooked parts is to be held against it.",
    )


def _words(by: str) -> str:
    return "zero" if by == "zero" else "their values in the counterfactual"
