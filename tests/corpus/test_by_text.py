"""What is averaged is what pandas finds in the whole tables, which are never held whole."""

import numpy as np
import pandas as pd
import pytest

import semiring_widgets as sw
from semiring_widgets.corpus.by_text import numbers_by_text
from semiring_widgets.corpus.files import Folder
from tests.overview.made import write_folder

PLACE = ["layer", "head", "branch", "source_class", "target_class", "token_class"]
JOINED = {"best_share": "max", "cancellation": "mean"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Seventy texts, in chunks of which several are read at a time, and with all kinds of parts."""
    path = tmp_path_factory.mktemp("by_text") / "run"
    return sw.read_corpus(write_folder(path, 70, layers=2, heads=2, chunk=9, whole=True))


@pytest.fixture
def few_at_a_time(monkeypatch):
    monkeypatch.setattr("semiring_widgets.corpus.files._TOGETHER", 20)


@pytest.mark.parametrize(
    ("of", "kind"),
    [
        ("effect", "head"),
        ("mass_share", "head"),
        ("contribution", "mlp"),
        ("effect", "token"),
        ("mass_share", "branch"),
        ("mass_share", "class"),
    ],
)
def test_numbers_are_those_of_pandas(run, few_at_a_time, of, kind):
    found = numbers_by_text(Folder(run.path), of, kind)
    parts = run.parts()
    own = parts[(parts["kind"] == kind) & parts[of].notna()]
    keys = [
        name for name in PLACE if own[name].notna().any() and (name == "token_class") == (kind == "token")
    ]
    wanted = own.groupby(["row", *keys], dropna=False)[of].sum()
    assert int(np.isfinite(found.numbers).sum()) == len(wanted)
    table = pd.DataFrame(found.numbers, found.rows).stack().rename("value").reset_index()
    table = table[table["value"].notna()]
    for name in keys:
        table[name] = found.parts[name].to_numpy(object)[table["level_1"]]
    got = table.set_index(["level_0", *keys])["value"]
    for place, value in wanted.items():
        assert got[place] == pytest.approx(value, rel=1e-12)


def test_parts_that_chunks_do_not_share_have_one_column(tmp_path, few_at_a_time):
    """Of a chunk whose texts all lack the heads of layer 0, the columns are those of the others."""
    run = sw.read_corpus(write_folder(tmp_path / "run", 42, layers=2, heads=2, chunk=1))
    found = numbers_by_text(Folder(run.path), "effect", "head")
    assert found.parts[["layer", "head"]].values.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert np.isnan(found.numbers).any(1).nonzero()[0].tolist() == list(range(0, 42, 7))
    assert found.rows.tolist() == list(range(42))


def test_a_large_table_is_never_held_whole(run, few_at_a_time, monkeypatch):
    """Not for averages, groups, the stability of their order, or what the command says."""
    sizes = []
    batches = Folder.batches

    def watched(self, *given):
        for table in batches(self, *given):
            sizes.append(len(table))
            yield table

    monkeypatch.setattr(Folder, "batches", watched)
    read = Folder.read
    monkeypatch.setattr(Folder, "read", lambda self, table: read(self, {"examples": table}[table]))
    run.averages("mass_share", "class", "group", samples=20)
    run.differences("right", samples=20)
    run.stability(k=3, samples=20)
    assert max(sizes) <= 18 * 2 * 2 * 3 * 36  # two chunks of nine texts; heads, operands, pairs of classes
