"""``semiring-widgets view DIR``: the page of a corpus run, without its model."""

import pytest

from semiring_widgets.cli import main
from tests.export.reading import unpacked
from tests.overview.made import write_folder


def test_the_page_of_a_run_is_written(tmp_path, capsys):
    run = write_folder(tmp_path / "run", 12, layers=2, heads=2)
    page = tmp_path / "seen.html"
    assert main(["view", str(run), "--html", str(page), "--by", "right"]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    text = page.read_text("utf-8")
    assert "Corpus run: 12 texts" in text
    assert b'"by":"right"' in unpacked(text, "payload")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["nothing-here"], "holds no corpus run"), (["run", "--by", "luck"], "by is 'luck'")],
)
def test_what_cannot_be_shown_is_a_sentence(tmp_path, monkeypatch, capsys, words, sentence):
    write_folder(tmp_path / "run", 5, layers=1, heads=1)
    monkeypatch.chdir(tmp_path)
    assert main(["view", *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "corpus.html").exists()
