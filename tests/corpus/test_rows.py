"""Rows are read alike from every kind of file and table, and what cannot be read gets a sentence."""

import json

import pandas as pd
import pytest

from semiring_widgets.corpus.rows import Row, read_rows, row_of
from semiring_widgets.errors import InputError

ROWS = [
    {"text": "The keys [MASK] here.", "target": "are", "contrast": "is", "group": "plural"},
    {"text": "The key [MASK] here, “é”.", "target": "is", "position": 3},
]
WANTED = [
    Row(0, "0", "The keys [MASK] here.", target="are", contrast="is", group="plural"),
    Row(1, "1", "The key [MASK] here, “é”.", target="is", position=3),
]


def written(folder, kind):
    path = folder / f"rows.{kind}"
    if kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)) + "\n\n", encoding="utf-8-sig")
    elif kind == "csv":
        pd.DataFrame(ROWS).astype({"position": "Int64"}).to_csv(path, index=False, encoding="utf-8-sig")
    else:
        pd.DataFrame(ROWS).to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_files(tmp_path, kind):
    assert [row_of(one, n) for n, one in enumerate(read_rows(written(tmp_path, kind)))] == WANTED


@pytest.mark.parametrize(
    "source", [ROWS, tuple(ROWS), pd.DataFrame(ROWS), iter(ROWS)], ids=lambda s: type(s).__name__
)
def test_tables(source):
    assert [row_of(one, n) for n, one in enumerate(read_rows(source))] == WANTED


def test_columns_of_other_names():
    given = [{"sentence": "a b", "label": 7, "text": "not this one"}]
    (one,) = read_rows(given, {"text": "sentence", "target": "label"})
    assert row_of(one, 4) == Row(4, "4", "a b", target=7)


def test_words_of_a_csv_stay_words(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("text,target,id\nthe NA [MASK],NA,007\n", encoding="utf-8")
    (one,) = read_rows(path)
    assert row_of(one, 0) == Row(0, "007", "the NA [MASK]", target="NA")


def test_a_digest_is_of_what_a_row_says_not_of_its_place():
    first, second = (row_of(ROWS[0] | {"id": "x"}, n) for n in (0, 5))
    assert first.digest == second.digest
    assert row_of(ROWS[0] | {"id": "x", "contrast": "was"}, 0).digest != first.digest


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere.jsonl", "There is no file 'nowhere.jsonl'"),
        ("rows.txt", "is no .jsonl, .ndjson, .csv, .parquet file"),
        ([], "has no rows"),
        (7, "rows is 7; give a JSONL"),
        ({"text": "a"}, "give a JSONL"),
        (["a"], "Row 0 of the corpus is 'a'; give a dict"),
    ],
)
def test_what_is_no_corpus(source, said):
    with pytest.raises(InputError, match=said):
        read_rows(source)


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{"text": \n', encoding="utf-8")
    with pytest.raises(InputError, match="no JSON in line 2"):
        read_rows(path)


def test_columns_that_are_not_there():
    with pytest.raises(InputError, match="No row has a column 'sentence'; there are text"):
        read_rows([{"text": "a"}], {"text": "sentence"})
    with pytest.raises(InputError, match="columns names 'words'; choose from id, text"):
        read_rows([{"text": "a"}], {"words": "text"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "has no text"),
        ({"text": None}, "has no text"),
        ({"text": 3}, "text is 3; give a string"),
        ({"text": "a", "position": 1.5}, "position is 1.5"),
        ({"text": "a", "target": True}, "target is True"),
    ],
)
def test_what_is_no_row(given, said):
    with pytest.raises(InputError, match=said):
        row_of(given, 0)
