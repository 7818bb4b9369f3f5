"""The page of a saved result, made in another process: of every kind, and a sentence for what is none."""

import sys

import pytest

from semiring_widgets.errors import InputError
from semiring_widgets.lab import saved_page
from semiring_widgets.lab.saved_page import page_elsewhere, sentence_or_page
from tests.export.reading import payload_of


@pytest.fixture
def saved(tmp_path):
    def bytes_of(result):
        result.save(tmp_path / "saved.nc")
        return (tmp_path / "saved.nc").read_bytes()

    return bytes_of


@pytest.mark.parametrize("kind", ["explanation", "comparison", "beside"])
def test_every_kind_of_result_has_a_page(saved, kind, request):
    result = request.getfixturevalue(f"make_{kind}")()
    there, page = sentence_or_page(saved(result), "saved.nc")
    assert there, page
    assert payload_of(page)["summary"]["type"] == kind


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: b"", "'a.nc' is empty"),
        (lambda data: b"CDF\x01" + data, "'a.nc' was not written by .save(path)"),
        (lambda data: data[:-1], "'a.nc' was not written by .save(path), or its end is missing"),
        (lambda data: data.replace(b"table", b"Table", 1), "'a.nc' was changed or damaged"),
        (lambda data: b"\x89HDF\r\n\x1a\n" + data, "'a.nc' is a netCDF file that cannot be read"),
    ],
)
def test_what_is_none_gets_a_sentence(saved, make_explanation, change, sentence):
    there, said = sentence_or_page(change(saved(make_explanation())), "a.nc")
    assert not there
    assert said.startswith(sentence)


def test_the_process_gives_the_same_page_and_the_same_sentence(saved, make_explanation):
    data = saved(make_explanation())
    assert page_elsewhere(data, "keys.nc") == sentence_or_page(data, "keys.nc")[1]
    with pytest.raises(InputError) as caught:
        page_elsewhere(b"CDF", "Ozean ñ.nc")
    assert str(caught.value) == sentence_or_page(b"CDF", "Ozean ñ.nc")[1]


def test_a_process_that_hangs_or_dies_is_a_sentence(monkeypatch):
    monkeypatch.setattr(saved_page, "_SCRIPT", "import time; time.sleep(60)")
    with pytest.raises(InputError, match=r"'a\.nc' was not read within 0\.2 s"):
        page_elsewhere(b"", "a.nc", patience=0.2)
    monkeypatch.setattr(saved_page, "_SCRIPT", "import os; os._exit(9)")
    with pytest.raises(InputError, match=r"'a\.nc' could not be read"):
        page_elsewhere(b"", "a.nc")
    # What Python says of a fault of ours is no sentence.
    monkeypatch.setattr(saved_page, "_SCRIPT", "raise ValueError('boom')")
    with pytest.raises(InputError, match=r"'a\.nc' could not be read"):
        page_elsewhere(b"", "a.nc")


@pytest.mark.parametrize("named", ["", "."])
def test_nothing_is_imported_from_the_folder_of_the_server(tmp_path, monkeypatch, named):
    (tmp_path / "json.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path) if named else "", *sys.path])
    with pytest.raises(InputError, match=r"was not written by \.save"):
        page_elsewhere(b"CDF", "a.nc")
