"""The command line in poor surroundings: few characters, a reader who goes away, a disk that is full."""

import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import semiring_widgets
from semiring_widgets import cli
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.terminal import show

ROOT = Path(semiring_widgets.__file__).parents[1]
# A run that needs no model: the result is a saved one.
SCRIPT = """
import sys
import semiring_widgets.explanation as explanation
from semiring_widgets.results.explanation import load
from semiring_widgets.export import page as pages
from semiring_widgets.contract import bundle
pages.read_bundle = bundle.read_bundle = lambda: "export default {};"
vars(explanation)["load_model"] = lambda name: (None, "tokenizer")
vars(explanation)["explain_run"] = lambda *_, **__: lambda report, check: load(sys.argv[1])
from semiring_widgets.cli import main
sys.exit(main(["explain", "x", "--no-chart", "--html", sys.argv[2]]))
"""


@pytest.fixture
def saved(make_explanation, tmp_path):
    result = make_explanation(("café", "世界", "→x₈", "\ud83d", "[MASK]"))
    result.save(tmp_path / "r.zip")
    return result


def started(tmp_path, environment=None, **options):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "r.zip", "page.html"],
        cwd=options.pop("cwd", tmp_path),
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        stderr=subprocess.PIPE,
        **{"stdout": subprocess.PIPE, **options},
    )


@pytest.mark.parametrize(
    ("environment", "encoding", "shown"),
    [
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252", ["café", "\\u4e16\\u754c", "->x_8", "###", "page.html"]),
        ({"PYTHONIOENCODING": "ascii", "TERM": "dumb", "NO_COLOR": "1"}, "ascii", ["caf\\xe9", "->x_8"]),
        (
            {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX", "COLUMNS": "200"},
            "ascii",
            ["caf"],
        ),
    ],
)
def test_what_an_encoding_does_not_know_is_replaced(saved, tmp_path, environment, encoding, shown):
    out, err = started(tmp_path, environment).communicate(timeout=280)
    for part in shown:
        assert part in out.decode(encoding)
    assert err == b""
    assert out.decode(encoding).splitlines()[-1] == "page.html"


def test_a_reader_that_goes_away_gets_no_traceback_and_the_page_is_written(saved, tmp_path):
    process = started(tmp_path)
    process.stdout.close()
    assert process.wait(280) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    assert (tmp_path / "page.html").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_one_sentence(saved, tmp_path):
    with Path("/dev/full").open("w") as full:
        process = started(tmp_path, stdout=full)
        _, err = process.communicate(timeout=280)
    assert process.returncode == 2
    assert b"No space left on device" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("width", [1, 5, 20, 500])
def test_any_width(make_explanation, width, tmp_path):
    with (tmp_path / "out").open("w+", encoding="utf-8") as file:
        show(make_explanation(), Console(file=file, width=width))
        assert file.tell() > 0


def test_the_text_of_a_result_is_one_write(make_comparison):
    """Half a table is worse than none."""
    writes = []

    class File:
        encoding = "utf-8"

        def write(self, text):
            writes.append(text)

        def flush(self):
            pass

    result = make_comparison()
    label = replace(result.methods[0], label="odd \ud800")
    show(replace(result, methods=(label, *result.methods[1:])), Console(file=File(), width=80))
    (written,) = filter(None, writes)
    assert plain(result).split()[0] in written


@pytest.mark.parametrize("option", ["--html", "--save"])
@pytest.mark.parametrize("place", ["no/where", ".", "file/x", "n" * 300, "read-only"])
def test_what_cannot_be_written_is_found_before_anything_is_computed(
    tmp_path, monkeypatch, capsys, option, place
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    (tmp_path / "read-only").write_text("x")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "read-only")
    monkeypatch.setattr(cli, "_follow", lambda run: pytest.fail("computed"))
    assert cli.main(["explain", "x", option, place]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_one_path_for_two_files_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["explain", "x", "--html", "a", "--save", "a"]) == 2
    assert "give two paths" in capsys.readouterr().err


def test_a_folder_that_is_gone(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert cli.main(["explain", "x"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_streams_that_are_closed(saved, tmp_path):
    """As with ``>&- 2>&- <&-`` in a shell."""
    closing = (
        "import os, sys\nfor number in range(3): os.close(number)\nos.execv(sys.executable, sys.argv[1:])"
    )
    words = [sys.executable, "-c", SCRIPT, "r.zip", "page.html"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", closing, *words], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize("given", [None, b"caf\xe9", b"\xef\xbb\xbf"])
def test_standard_input_that_is_no_text(monkeypatch, capsys, given):
    stream = None if given is None else io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", stream)
    assert cli.main(["explain", "-"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert re.match(r"Standard input is (closed|no text in utf-8)|The text is empty", said)
