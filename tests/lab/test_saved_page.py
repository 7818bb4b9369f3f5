"""The page of a saved result, made in another process: of every kind, and a sentence for what is none."""

import contextlib
import hashlib
import io
import json
import pickle
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from semiring_widgets.errors import InputError
from semiring_widgets.lab import saved_page
from semiring_widgets.lab.saved_page import kinds, page_elsewhere, sentence_or_page
from semiring_widgets.results import archive, storage
from semiring_widgets.results.result import Shown
from semiring_widgets.results.storage import read_bytes
from tests.cell_results import cell_results


@pytest.fixture
def saved(tmp_path):
    def bytes_of(result):
        result.save(tmp_path / "saved.nc")
        return (tmp_path / "saved.nc").read_bytes()

    return bytes_of


@pytest.fixture
def result_of(request):
    def made(kind):
        made = cell_results().get(kind)
        return made or request.getfixturevalue(f"make_{kind}")()

    return made


KINDS = sorted(one.kind for one in kinds())


def test_no_kind_that_can_be_saved_is_left_out():
    def below(one):
        return {one}.union(*map(below, one.__subclasses__()))

    ours = [one for one in below(Shown) if one.__module__.startswith("semiring_widgets.")]
    assert sorted(one.kind for one in ours if "kind" in vars(one)) == KINDS
    assert sorted(storage._READERS) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_result_has_the_page_that_it_writes_itself(saved, kind, result_of, tmp_path):
    there, page = sentence_or_page(saved(result_of(kind)), "saved.nc")
    assert there, page
    result = type(result_of(kind)).load(tmp_path / "saved.nc")
    assert page == result.to_html(tmp_path / "page.html").read_text("utf-8")


class Elements(HTMLParser):
    """What a browser makes of a page: its scripts' kinds, and attributes that run something."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.running = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "script":
            self.scripts.append((attrs.get("type"), attrs.get("src")))
        self.running += [name for name in attrs if name.startswith("on") or name in {"srcdoc", "action"}]


HARM = "</script></title><script>harm()</script><img src=x onerror=harm()>{{bundle}}"


def strings(value):
    """A document with harm after every text of more than a word's length."""
    if isinstance(value, dict):
        return {name: strings(item) for name, item in value.items()}
    if isinstance(value, list):
        return [strings(item) for item in value]
    return value + HARM if isinstance(value, str) else value


@pytest.mark.parametrize("kind", KINDS)
def test_script_in_the_strings_of_a_sealed_file_stays_text(saved, kind, result_of):
    data = saved(result_of(kind))
    document, arrays = archive.unpacked(data)
    builds = {one.kind: one._from_file for one in kinds()}
    changed = document
    for name in document.keys() - {"format", "version", "kind"}:
        harmed = {**changed, name: strings(document[name])}
        with contextlib.suppress(InputError):  # some are names that somebody has to know
            read_bytes(archive.packed(harmed, arrays), "a.nc", builds)
            changed = harmed
    assert json.dumps(changed).count("harm") > 2
    there, text = sentence_or_page(archive.packed(changed, arrays), "a.nc")
    whole = Elements(sentence_or_page(data, "a.nc")[1])
    assert there, text
    assert Elements(text).scripts == whole.scripts
    assert Elements(text).running == whole.running


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_whose_numbers_are_of_another_kind_gets_a_sentence(saved, kind, result_of):
    document, arrays = archive.unpacked(saved(result_of(kind)))
    for other in set(KINDS) - {kind}:
        there, said = sentence_or_page(archive.packed({**document, "kind": other}, arrays), "a.nc")
        assert not there
        assert said.startswith(f"'a.nc' holds no usable {other}: ")
        assert said.count("\n") == 0


def test_pickles_are_never_loaded(saved, make_explanation, tmp_path):
    class Harm:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harmed",)

    pickled = io.BytesIO()
    np.savez(pickled, harm=np.array([Harm()], dtype=object))
    sealed = zipfile.ZipFile(io.BytesIO(saved(make_explanation())))
    rebuilt = io.BytesIO()
    with zipfile.ZipFile(rebuilt, "w") as archived:
        for entry in sealed.namelist():
            content = zipfile.ZipFile(pickled).read("harm.npy") if "entropy" in entry else sealed.read(entry)
            archived.writestr(entry, content)
        archived.comment = sealed.comment
    made_up = rebuilt.getvalue()[:-64]
    made_up += hashlib.sha256(made_up).hexdigest().encode()
    for data, sentence in [
        (pickle.dumps(Harm()), "'a.npz' was not written by .save(path)"),
        (pickled.getvalue(), "'a.npz' was not written by .save(path), or its end is missing"),
        (made_up, "'a.npz' has a valid checksum but no valid content"),
    ]:
        there, said = sentence_or_page(data, "a.npz")
        assert not there
        assert said.startswith(sentence)
    assert not (tmp_path / "harmed").exists()


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
