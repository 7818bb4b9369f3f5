"""What became of the claims about subject-verb agreement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from examples.studies import Claim, Report, Table
from examples.studies.paper.consumers import BRANCHES
from examples.studies.paper.reading import number, pick, said, tidy, verdict

Numbers = np.ndarray


@dataclass(frozen=True)
class Flows:
    """What was measured of one model in one way of counting.

    Attributes:
        rows: all of it.
        oplus: by group of tokens, mean oplus, shape (layers, 4 as `BRANCHES`).
        share: by group, how often each branch is chosen, of the same shape.
    """

    rows: pd.DataFrame
    oplus: dict[str, Numbers]
    share: dict[str, Numbers]

    def through(self, branch: str, group: str) -> Numbers:
        """Mean oplus by layer."""
        return self.oplus[group][:, BRANCHES.index(branch)]


Check = Callable[[Flows], tuple[bool, str]]


def skip_leads(flows: Flows) -> tuple[bool, str]:
    """Skip has the largest mean in every layer."""
    leads = flows.oplus["all"].argmax(1) == BRANCHES.index("skip")
    return bool(
        leads.all()
    ), f"in {leads.sum()} of {len(leads)} layers; skip {_list(flows.through('skip', 'all'))}"


def queries_carry_little(flows: Flows) -> tuple[bool, str]:
    """Less than 1 % in every layer."""
    shares = flows.through("query", "all") / flows.oplus["all"].sum(1)
    return bool((shares < 0.01).all()), f"share by layer {_list(shares)}"


def keys_before_values(flows: Flows) -> tuple[bool, str]:
    """Keys carry more than values in the lower two thirds of the layers."""
    key, value = flows.through("key", "all"), flows.through("value", "all")
    lower = -(-2 * len(key) // 3)
    return bool((key > value)[:lower].all()), f"key {_list(key)}; value {_list(value)}"


def keys_grow(flows: Flows) -> tuple[bool, str]:
    """Keys carry more in the last layer than in any other."""
    key = flows.through("key", "all")
    return bool(key.argmax() == len(key) - 1), f"key {_list(key)}"


def subject_by_keys(flows: Flows) -> tuple[bool, str]:
    """In the last layer the subject's oplus goes through keys more than through values."""
    key, value = (flows.through(branch, "subject")[-1] for branch in ("key", "value"))
    last = pick(flows.rows, statistic="oplus", group="subject", layer=flows.rows["layer"].max())
    rows = {branch: pick(last, branch=branch).iloc[0] for branch in ("key", "value")}
    clear = rows["key"]["low"] > rows["value"]["high"]
    told = "; ".join(f"{branch} {said(row)}" for branch, row in rows.items())
    return bool(clear), f"key {key / (key + value):.0%} of both: {told}"


def subject_grows(flows: Flows) -> tuple[bool, str]:
    """The subject's keys carry most in the last layer."""
    key = flows.through("key", "subject")
    return bool(key.argmax() == len(key) - 1), f"key {_list(key)}"


def attractors_below(flows: Flows) -> tuple[bool, str]:
    """In the last layer less goes through an attractor's keys than through the subject's."""
    last = pick(flows.rows, statistic="oplus", branch="key", layer=flows.rows["layer"].max())
    subject, attractor = (pick(last, group=group).iloc[0] for group in ("subject", "attractor"))
    told = f"attractor {said(attractor)}, subject {said(subject)}"
    return bool(attractor["high"] < subject["low"]), told


def attractors_earlier(flows: Flows) -> tuple[bool, str]:
    """An attractor's keys carry most before the last layer."""
    key = flows.through("key", "attractor")
    return bool(key.argmax() < len(key) - 1), f"key {_list(key)}"


def mask_by_skip(flows: Flows) -> tuple[bool, str]:
    """At [MASK] skip is chosen in at least 95 % of the sentences in every layer."""
    share = flows.share["mask"][:, BRANCHES.index("skip")]
    return bool((share >= 0.95).all()), f"share by layer {_list(share)}"


CHECKS: dict[str, tuple[str, Check]] = {
    "Over all tokens, most goes through skip connections in every layer.": (
        "skip 0.142 0.106 0.125 0.124 0.117 0.066, key at most 0.036",
        skip_leads,
    ),
    "Queries carry next to nothing (below 1 % in every layer).": (
        "query at most 5.6e-4 of 0.138",
        queries_carry_little,
    ),
    "In the lower layers (two thirds) keys carry more than values.": (
        "key .0185 .0081 .0067 .0207; value .0040 .0024 .0022 .0075",
        keys_before_values,
    ),
    "Keys carry more in the last layer than in any other.": (
        "key .0185 .0081 .0067 .0207 .0189 .0355",
        keys_grow,
    ),
    "Subject tokens act through keys rather than values in the last layer.": (
        "key 76 %, value 24 % (.1145, .0359)",
        subject_by_keys,
    ),
    "Subject tokens do more through keys in the last layer than in any other.": (
        "key .0195 .0006 .0014 .0140 .0800 .1145",
        subject_grows,
    ),
    "In the last layer attractors act through keys less than subjects.": (
        "attractor .0385, subject .1145",
        attractors_below,
    ),
    "Attractors do most through keys in a layer before the last.": (
        "key .0314 .0053 .0107 .0899 .0099 .0385",
        attractors_earlier,
    ),
    "[MASK] takes the skip connection (in 95 % of the sentences, in every layer).": (
        "all sentences in layers 0-4, 99 % in layer 5",
        mask_by_skip,
    ),
}


def report(rows: pd.DataFrame) -> Report:
    """Claims and tables; of the rows of agreement."""
    found = {key: flows for key, flows in _flows(rows).items() if flows.oplus}
    published = {model: flows for (model, level, granularity), flows in found.items()
                 if (level, granularity) == ("branch", "paper")}  # fmt: skip
    if not published:
        return Report()
    claims = []
    for what, (figure, check) in CHECKS.items():
        outcome = {model: check(flows) for model, flows in published.items()}
        told = "; ".join(
            f"{model}: {'yes' if holds else 'no'}, {text}" for model, (holds, text) in outcome.items()
        )
        holds = all(holds for holds, _ in outcome.values())
        claims.append(Claim(what, figure, _ran(published), told, verdict(holds)))
    return Report(claims, [_checks(found), _means(published)])


def _flows(rows: pd.DataFrame) -> dict[tuple[str, str, str], Flows]:
    ways = pick(tidy(rows), experiment="agreement").groupby(["setting", "level", "granularity"], sort=False)
    found = {}
    for (model, level, granularity), own in ways:
        oplus, share = (_by_group(pick(own, statistic=name)) for name in ("oplus", "chosen branch"))
        own = pick(own, statistic=["oplus", "chosen branch", "accuracy"])
        found[str(model), str(level), str(granularity)] = Flows(own, oplus, share)
    return found


def _by_group(rows: pd.DataFrame) -> dict[str, Numbers]:
    """Means by layer and branch, for each group of tokens."""
    return {
        str(group): own.pivot_table(index="layer", columns="branch", values="mean")[list(BRANCHES)].to_numpy()
        for group, own in rows.groupby("group")
    }


def _ran(published: dict[str, Flows]) -> str:
    told = []
    for model, flows in published.items():
        accuracy = pick(flows.rows, statistic="accuracy").iloc[0]
        told.append(f"{model} ({int(accuracy['n']):,} BLiMP pairs, {accuracy['mean']:.1%} right)")
    return f"Mean path grad of each token's best unit, for its branch (oplus), by layer: {'; '.join(told)}"


def _checks(found: dict[tuple[str, str, str], Flows]) -> Table:
    frame = pd.DataFrame(
        [
            {
                "claim": what,
                "model": model,
                "level": level,
                **{
                    granularity: "yes" if check(found[model, level, granularity])[0] else "no"
                    for granularity in ("paper", "primitive", "operator")
                    if (model, level, granularity) in found
                },
            }
            for what, (_, check) in CHECKS.items()
            for model, level in dict.fromkeys((key[0], key[1]) for key in found)
        ]
    )
    sizes = sorted({int(flows.rows["n"].max()) for flows in found.values()}, reverse=True)
    return Table(
        "Agreement: which claims hold in which way of counting",
        frame,
        f"By model, level and granularity. Pairs: {' or '.join(f'{size:,}' for size in sizes)}. A claim that "
        "holds at one level or granularity only is one about the way of counting as much as about the model.",
    )


def _means(published: dict[str, Flows]) -> Table:
    parts = []
    for model, flows in published.items():
        for group, values in flows.oplus.items():
            part = pd.DataFrame(values, columns=list(BRANCHES))
            part.insert(0, "layer", range(len(part)))
            part.insert(0, "tokens", group)
            part.insert(0, "model", model)
            parts.append(part)
    return Table(
        "Agreement: mean oplus by model, tokens, layer and branch",
        pd.concat(parts),
        "Branch level, granularity paper, as published. 0 by structure: query and skip of the last layer at "
        "tokens other than [MASK]. In the published runs a second sentence also had the statistics of the "
        "first one, where they share words; here every sentence has its own.",
    )


def _list(values: Numbers) -> str:
    return " ".join(number(float(value)) for value in values)
