"""Where results are saved: what is a path, what is in the way, and what stays as it was."""

import os
import resource
import stat
from pathlib import Path

import pytest

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.export import page as pages
from semiring_widgets.results.parts import Stream, Token


@pytest.fixture
def saved(make_explanation, tmp_path):
    path = tmp_path / "result.zip"
    make_explanation(("a", "b"), layers=1, heads=2).save(path)
    return path


@pytest.fixture
def bundle(monkeypatch):
    monkeypatch.setattr(pages, "read_bundle", lambda: "export default {};")


@pytest.mark.parametrize("path", [None, 3, "", " ", "a\0b", "\ud800", [], object(), "~nobody_of_this_name/x"])
def test_what_is_no_path(make_explanation, path):
    for use_path in (make_explanation().save, make_explanation().to_html, sw.load):
        with pytest.raises(InputError, match="path is "):
            use_path(path)


def test_strings_bytes_and_home_are_paths(make_explanation, tmp_path, monkeypatch, bundle):
    monkeypatch.setenv("HOME", str(tmp_path))
    result = make_explanation()
    for path in ("~/a.zip", os.fsencode(tmp_path / "a.zip"), tmp_path / "a.zip"):
        result.save(path)
        assert sw.load(path).text == result.text
    assert result.to_html("~/a.html") == tmp_path / "a.html"


def test_where_nothing_can_be_written(make_explanation, tmp_path, bundle):
    result = make_explanation()
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "no" / "r", tmp_path / "file" / "r", tmp_path / ("n" * 300)):
        for write in (result.save, result.to_html):
            with pytest.raises(InputError, match=r"Cannot save to|There is no folder"):
                write(path)
        with pytest.raises(InputError):
            sw.load(path)


def test_a_full_disk_leaves_the_old_file(saved, make_explanation):
    """A limit on the size of files fails like a full disk: in the middle of writing."""
    before = saved.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(InputError, match=r"File too large\. Make room"):
            make_explanation().save(saved)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert saved.read_bytes() == before
    assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]


def test_links_devices_and_permissions_stay_what_they_are(saved, make_explanation):
    saved.chmod(0o600)
    link = saved.with_name("link")
    link.symlink_to(saved)
    make_explanation().save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert sw.load(saved).text == make_explanation().text
    make_explanation().save("/dev/null")
    assert Path("/dev/null").is_char_device()


def test_what_does_not_fit_together_is_not_saved(make_explanation, tmp_path):
    token = Token(3, "x", "x", 1, 0, 1, False)
    with pytest.raises(InputError, match="cannot be saved"):
        make_explanation(("x",), streams=(Stream("input", (token,)),)).save(tmp_path / "r.zip")
    assert list(tmp_path.iterdir()) == []
