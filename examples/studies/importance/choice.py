"""How the defaults of the instrument are chosen. The rule was written down before the tables were made.

For each kind of part the candidates are all estimates that need no test: a statistic under a rule. Each is
held against the tested effect under the reference that it shares with it, or, where it has none (mass, best
path, attention), under every reference.

1. The mark of a candidate is, for heads and MLPs, its Spearman with |effect|; for words its comprehensiveness
   minus its sufficiency, as a share of what the tested effects reach; for routes the share of the ten largest
   effects that its ten routes hold. Marks are averaged over references, then over models; each weighs the
   same.
2. A candidate counts only if it beats one fixed ranking (for words and routes: a random order) in every model
   on average over references.
3. The best mark wins. Today's default stays where the winner is not ahead of it by more than 0.02, or is
   ahead in fewer than half of the models. (Added when the first tables were there: what was measured under
   some references only cannot win; where it is ahead of the winner under those, the reason says so.)
4. Where no candidate counts, there is no default estimate: only tested effects are shown.
5. (Added when all tables were there.) A share of what the tested effects reach is one only where they reach
   something: a model in which they do not, MiniLM with its words, has no mark there. Divided by a negative
   number a random order would be the best of all.

The default reference is one that can be had for every text: it is not chosen by a mark, as another reference
is another question. What the tables add is how far an answer under one of them holds under the others.
"""

from __future__ import annotations

import pandas as pd

TODAY = {
    "heads": ("contribution at the part", "gradient"),
    "mlps": ("contribution at the part", "gradient"),
    "words": ("contribution at the part", "gradient"),
    "routes": ("contribution", "gradient"),
}
MARK = {"heads": "spearman", "mlps": "spearman", "words": "mark", "routes": "captured"}
CONTROL = {
    "heads": "one fixed ranking",
    "mlps": "one fixed ranking",
    "words": "random order",
    "routes": "random order",
}
LEAD = 0.02
# What is measured and what is a control is no candidate.
NO_CANDIDATES = (
    *("tested effect", "one fixed ranking", "another sentence", "random order", "layer", "nearness"),
    "output norm",
)


def marks(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The mark of every statistic in every model, averaged over references.

    Args:
        rows: of the study.
        kind: ``"heads"``, ``"mlps"``, ``"words"`` or ``"routes"``.

    Returns:
        By (statistic, rule): one column a model, and ``all``, their mean.
    """
    return _averaged(_each(rows, kind))


def chosen(rows: pd.DataFrame, kind: str) -> tuple[tuple[str, str] | None, str]:
    """The default estimate of a kind by the rule above, and why.

    Args:
        rows: of the study.
        kind: of parts.
    """
    each = _each(rows, kind)
    table = _averaged(each)
    models = table.columns.drop("all")
    control = _row(table, CONTROL[kind])
    above = [
        key
        for key in _keys(table.dropna())
        if key[0] not in NO_CANDIDATES and (_row(table, *key)[models] > control[models]).all()
    ]
    full = [key for key in above if _row(each, *key).notna().all()]
    if not full:
        return None, "no estimate beats the control in every model"
    best, today = full[0], TODAY[kind]
    winner, why = best, "no estimate has a better mark than today's default"
    if today not in full:
        why = "today's default does not beat the control in every model"
    elif best != today:
        ahead = _row(table, *best) - _row(table, *today)
        where = f"in {(ahead[models] > 0).sum()} of {len(models)} models"
        why = f"{_named(best)} is ahead by {ahead['all']:.2f}, {where}"
        if ahead["all"] <= LEAD or (ahead[models] > 0).mean() < 0.5:
            winner, why = today, f"{why}, which is not enough"
    return winner, "; ".join([why, *_better_in_part(each, winner, set(above) - set(full))])


def _better_in_part(each: pd.DataFrame, winner: tuple[str, str], some: set[tuple[str, str]]) -> list[str]:
    """What was measured under some references only, and is ahead under these."""
    found = []
    for key in sorted(some):
        ahead = (_row(each, *key) - _row(each, *winner)).groupby(level="model").mean().mean()
        if ahead > LEAD:
            found.append(f"{_named(key)} is ahead by {ahead:.2f} under the references it was measured for")
    return found


def _named(key: tuple[str, str]) -> str:
    return f"{key[0]} ({key[1]})" if key[1] else key[0]


def _each(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Marks by (statistic, rule), one column a (model, reference)."""
    own = rows[(rows.kind == kind) & (rows.measure == MARK[kind]) & ~rows.model.str.contains("redrawn")]
    own = own[(own.against.fillna("") == "") | (own.against == own.truth)]
    # Words of a class are drawn for a second look; no estimate is made for them.
    own = own[own.truth != "class draws"]
    if kind == "words":
        reached = own[own.statistic == "tested effect"].set_index(["model", "truth"]).value
        reached = reached.where(reached > 0)
        places = own.set_index(["model", "truth"]).index
        own = own.assign(value=own.value / reached.reindex(places).to_numpy()).dropna(subset=["value"])
    return own.pivot_table(index=["statistic", "rule"], columns=["model", "truth"], values="value")


def _averaged(each: pd.DataFrame) -> pd.DataFrame:
    found = each.T.groupby(level="model").mean().T
    return found.assign(all=found.mean(axis=1, skipna=False)).sort_values("all", ascending=False)


def _keys(table: pd.DataFrame) -> list[tuple[str, str]]:
    return [(str(statistic), str(rule)) for statistic, rule in table.index]


def _row(table: pd.DataFrame, statistic: str, rule: str = "") -> pd.Series:
    return pd.Series(table.loc[(statistic, rule)])
