"""Every question of the corpus's page is one query of DuckDB, with the answer that pandas gives."""

import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import semiring_widgets.corpus

PAGE = (Path(semiring_widgets.corpus.__file__).parent / "README.md").read_text(encoding="utf-8")
QUERIES = dict(re.findall(r"^## (.+?)\n.*?```sql\n(.+?)```", PAGE, re.MULTILINE | re.DOTALL))


def heads(parts):
    own = parts[(parts["kind"] == "head") & parts["branch"].isna()]
    return own.assign(wrong=(own["effect"] * own["contribution"] < 0).astype(float), size=own["effect"].abs())


def largest(table, name, count=5):
    return table.reindex(table[name].abs().sort_values(ascending=False).index).head(count)


def preferred(examples, parts, errors):
    own = examples.assign(right=examples["right"].astype(float)).groupby("group")["right"]
    return own.agg(preferred="mean", texts="count").reset_index()


def least_sure(examples, parts, errors):
    order = examples["score"].abs().sort_values(kind="stable").index[:5]
    return examples.loc[order, ["row", "score", "text"]]


def heads_that_do_most(examples, parts, errors):
    found = heads(parts).groupby(["layer", "head"])["effect"].agg(effect="mean", error="sem").reset_index()
    return largest(found, "effect")


def wrong_signs(examples, parts, errors):
    found = heads(parts).groupby(["layer", "head"])[["wrong", "size"]].mean().reset_index()
    return found.sort_values(["wrong", "layer", "head"], ascending=[False, True, True])


def ways(examples, parts, errors):
    own = parts[parts["kind"] == "branch"].groupby(["row", "layer", "branch"])["mass_share"].sum()
    return own.groupby(["layer", "branch"]).mean().rename("share").reset_index()


def carried(examples, parts, errors):
    own = parts[(parts["kind"] == "class") & (parts["branch"] == "value")]
    own = own[(own["source_class"] == "word") & (own["target_class"] == "asked")]
    found = own.groupby(["layer", "head"])["mass_share"].sum() / len(examples)
    return largest(found.rename("share").reset_index(), "share")


def words(examples, parts, errors):
    own = parts[(parts["kind"] == "token") & (parts["token_class"] == "word")].groupby("token_text")
    return largest(own["effect"].agg(effect="mean", times="size").reset_index(), "effect")


def groups_that_differ(examples, parts, errors):
    own = heads(parts).merge(examples[["row", "group"]], on="row")
    means = own.groupby(["layer", "head", "group"])["effect"].mean().unstack()
    return largest((means["a"] - means["b"]).rename("difference").reset_index(), "difference")


def lengths(examples, parts, errors):
    own = examples.groupby("tokens")
    found = own[["entropy", "log_mass"]].mean()
    return found.assign(texts=own.size()).reset_index()


def reasons(examples, parts, errors):
    return errors.groupby("reason")["id"].agg(texts="size", one="min").reset_index()


WANTED = (
    *(preferred, least_sure, heads_that_do_most, wrong_signs, ways),
    *(carried, words, groups_that_differ, lengths, reasons),
)


def test_there_are_ten():
    assert len(QUERIES) == 10


@pytest.mark.parametrize(
    ("title", "wanted"), [*zip(QUERIES, WANTED, strict=True)], ids=[one.__name__ for one in WANTED]
)
def test_duckdb_and_pandas_agree(run, monkeypatch, title, wanted):
    monkeypatch.chdir(run.path)
    found = duckdb.sql(QUERIES[title]).df()
    answer = wanted(run.examples(), run.parts(), run.errors()).reset_index(drop=True)
    assert len(found)
    assert list(found) == list(answer)
    for name in found:
        if pd.api.types.is_numeric_dtype(answer[name]):
            np.testing.assert_allclose(
                found[name].to_numpy(float), answer[name].to_numpy(float), rtol=1e-6, atol=1e-9, err_msg=name
            )
        else:
            assert found[name].tolist() == answer[name].tolist()
