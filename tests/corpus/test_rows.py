"""Rows are read alike from every kind of file and table, and what cannot be read gets a sentence."""

import json

import pandas as pd
import pyarrow as pa
import pytest

from semiring_widgets.corpus.rows import Row, read_rows, row_of, row_or_reason
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
    elif kind in ("csv", "tsv"):
        table = pd.DataFrame(ROWS).astype({"position": "Int64"})
        table.to_csv(path, sep={"csv": ",", "tsv": "\t"}[kind], index=False, encoding="utf-8-sig")
    else:
        pd.DataFrame(ROWS).to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "parquet"])
def test_files(tmp_path, kind):
    assert [row_of(one, n) for n, one in enumerate(read_rows(written(tmp_path, kind)))] == WANTED


class Streamed:
    """As a `datasets.Dataset`: it has a method to_dict and is iterated over, row by row."""

    column_names = ("text", "target", "contrast", "group", "position")

    def __iter__(self):
        return iter({name: row.get(name) for name in self.column_names} for row in ROWS)

    def to_dict(self):
        raise AssertionError("a dict of columns")


class Polars:
    """As a `polars.DataFrame`: its to_dict takes no word, and its columns are names."""

    columns = ("text",)

    def to_dict(self, *, as_series=True):
        raise AssertionError("a dict of columns")

    def to_dicts(self):
        return ROWS


@pytest.mark.parametrize(
    "source",
    [
        ROWS,
        tuple(ROWS),
        iter(ROWS),
        pd.DataFrame(ROWS),
        pd.DataFrame(ROWS).convert_dtypes(),
        pa.Table.from_pylist(ROWS, pa.Table.from_pandas(pd.DataFrame(ROWS)).schema),
        Streamed(),
        Polars(),
    ],
    ids=lambda s: type(s).__name__,
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
        ("rows.txt", "is no .jsonl, .ndjson, .csv, .tsv, .parquet file"),
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


def test_texts_of_a_csv_hold_quotes_commas_and_breaks(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('text,target\r\n"She said ""no"", twice,\nand left",x\r\n\r\nb,\r\n', "utf-8", newline="")
    wanted = [('She said "no", twice,\nand left', "x"), ("b", None)]
    assert [(row.text, row.target) for row in map(row_of, read_rows(path), range(2))] == wanted


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("csv", b"text,target\nThe keys, here,are\n", "more fields in line 2 than in the first"),
        ("csv", b'text,target\n"The keys,are\n', "is no CSV file in UTF-8: unexpected end of data"),
        ("csv", b"text,target\n\xe9,are\n", "is no CSV file in UTF-8"),
        ("csv", b"text,target\n", "has no rows"),
        ("csv", b"", "has no rows"),
        ("jsonl", b"", "has no rows"),
        ("jsonl", b"\xef\xbb\xbf\n\n", "has no rows"),
        ("jsonl", b'["a"]\n', "Row 0 of the corpus is"),
        ("jsonl", b'{"words": "a"}\n', "No row has a column 'text'; there are words"),
        ("jsonl", b"\xe9\n", "is no JSON in line 1"),
        ("parquet", b"", "is no Parquet file"),
        ("parquet", b"text,target\n", "is no Parquet file"),
        ("csv", b"sentence;target\na;b\n", "No row has a column 'text'; there are sentence;target. Say by"),
    ],
)
def test_files_that_are_damaged_or_of_another_kind(tmp_path, kind, data, said):
    path = tmp_path / f"rows.{kind}"
    path.write_bytes(data)
    with pytest.raises(InputError, match=said):
        read_rows(path)


def test_a_row_that_is_none_keeps_its_name_and_its_digest_follows_what_it_says():
    given = {"text": "a", "position": "end", "id": 7.0}
    row = row_or_reason(given, 3)
    assert (row.number, row.id, row.text) == (3, "7", "a")
    assert str(row.error) == "position is 'end'; give the number of a token."
    assert row_or_reason(given | {"position": "start"}, 3).digest != row.digest
    assert row_or_reason({"target": "a"}, 3).text is None


def test_what_is_missing_in_a_table_is_not_said_and_numbers_as_words_are_words():
    """NaN, None, NaT and NA of pandas; whole numbers with gaps are floats there."""
    frame = pd.DataFrame(
        {
            "text": ["a", "b"],
            "target": [float("nan"), 7.0],
            "contrast": ["12", None],
            "position": ["3", None],
            "group": [pd.NA, 2],
            "reference": [pd.NaT, "mask"],
        }
    )
    first, second = map(row_of, read_rows(frame), range(2))
    assert first == Row(0, "0", "a", contrast="12", position=3)
    assert second == Row(1, "1", "b", target=7, group="2", reference="mask")


@pytest.mark.parametrize("empty", [pd.DataFrame({"text": []}), pa.table({"text": pa.array([], pa.string())})])
def test_tables_without_rows(empty):
    with pytest.raises(InputError, match="has no rows"):
        read_rows(empty)


def test_a_dataset_of_hugging_face():
    datasets = pytest.importorskip("datasets")
    given = datasets.Dataset.from_list(
        [{name: row.get(name) for name in Streamed.column_names} for row in ROWS]
    )
    for source in (given, given.to_iterable_dataset()):
        assert [row_of(one, n) for n, one in enumerate(read_rows(source))] == WANTED


def test_several_tables_are_named_and_one_is_to_be_given():
    splits = {"train": pd.DataFrame({"text": ["a"]}), "test": pd.DataFrame({"text": ["b"]})}
    with pytest.raises(InputError, match=r"several tables, train, test; give one of them, rows\['train'\]"):
        read_rows(splits)


def test_a_file_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    path = written(tmp_path, "jsonl")

    def gone(self):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(path), "read_bytes", gone)
    with pytest.raises(InputError, match="cannot be read: Input/output error"):
        read_rows(path)
