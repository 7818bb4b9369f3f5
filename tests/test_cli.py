"""The command line: results on stdout, the page's path last, errors as one sentence and exit code 2."""

import json
import subprocess
import sys
import types

import pytest

import semiring_widgets.attr
import semiring_widgets.explanation
from semiring_widgets import __version__, cli
from semiring_widgets.contract import bundle
from semiring_widgets.errors import InputError
from semiring_widgets.export import page as pages
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.explanation import load
from semiring_widgets.results.parts import Status


@pytest.fixture
def calls(monkeypatch, make_explanation, make_comparison, tmp_path):
    """A run that needs no model; records what it was asked."""
    seen = types.SimpleNamespace(arguments=None, model=None, steps=3)

    def run_of(make):
        def prepare(model, tokenizer, text, **arguments):
            seen.model, seen.text, seen.arguments = model, text, arguments
            if arguments["target"] == "nothing":
                raise InputError("The target 'nothing' is not one token; give another.")

            def run(report, check):
                for step in range(seen.steps):
                    check()
                    report(make(status=Status("running", step, seen.steps, f"layer {step}")))
                return make()

            return run

        return prepare

    # Into the lazy modules' namespaces, so that neither torch nor transformers is imported.
    names = vars(semiring_widgets.explanation)
    monkeypatch.setitem(names, "explain_run", run_of(make_explanation))
    monkeypatch.setitem(names, "load_model", lambda name: (f"model {name}", "tokenizer"))
    monkeypatch.setitem(vars(semiring_widgets.attr), "compare_run", run_of(make_comparison))
    monkeypatch.setattr(bundle, "read_bundle", lambda: "export default {};")
    monkeypatch.setattr(pages, "read_bundle", lambda: "export default {};")
    monkeypatch.chdir(tmp_path)
    return seen


def test_demo_needs_no_argument_and_ends_with_the_path(calls, capsys, tmp_path):
    assert cli.main(["demo"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "demo.html"
    assert (tmp_path / "demo.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    for part in ("= 3.25", "cabinet", "only skip connections", "95.1 nats", "263 nats", "−87 nats"):
        assert part in out
    assert "routes by contribution" in out
    assert "token 1 -V·L2·H1-> token 8" in out
    assert "What the ranking by mass leaves out." in out
    assert calls.model == "model demo"
    assert calls.arguments["target"] == "are"


def test_every_option_arrives(calls, capsys, tmp_path):
    words = ["explain", "a text", "--model", "m", "--target", "x", "--contrast", "y", "--position", "2"]
    words += [
        "--granularity",
        "paper",
        "--level",
        "branch",
        "--paths",
        "4",
        "--semiring",
        "hops",
        "--reference",
        "another text",
        "--max-memory",
        "1.5GB",
        "--html",
        "out.html",
        "--no-chart",
    ]
    assert cli.main([*words, "--save", "out.nc"]) == 0
    assert calls.text == "a text"
    assert calls.model == "model m"
    assert calls.arguments == {
        "target": "x",
        "contrast": "y",
        "position": 2,
        "generate": None,
        "piece": None,
        "add_special_tokens": True,
        "granularity": "paper",
        "level": "branch",
        "max_memory": 1_500_000_000,
        "through": (),
        "avoiding": (),
        "leaving_skip": False,
        "paths": 4,
        "semiring": "hops",
        "reference": "another text",
        "rules": "gradient",
    }
    assert load("out.nc").score.value == 3.25
    assert "bokehjs" not in (tmp_path / "out.html").read_text(encoding="utf-8").split("<script")[1]
    assert capsys.readouterr().out.splitlines()[-1] == "out.html"


def test_a_size_that_is_none(capsys):
    assert cli.main(["explain", "a text", "--max-memory", "much"]) == 2
    assert "'much' is no size; write for example 500MB or 2GB" in capsys.readouterr().err


def test_compare(calls, capsys):
    assert cli.main(["compare", "a text", "--methods", "Saliency", "path max", "--save", "c.nc"]) == 0
    out = capsys.readouterr().out
    assert calls.arguments["methods"] == ["Saliency", "path max"]
    assert calls.arguments["top_k"] == 3
    assert "paths" not in calls.arguments
    assert "DeepLift: DeepLift failed: no rule for this." in out
    assert out.splitlines()[-1] == "compare.html"
    assert Comparison.load("c.nc").top_k == 3


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_json(calls, capsys, command):
    assert cli.main([command, "a text", "--json"]) == 0
    line, path = capsys.readouterr().out.splitlines()
    facts = json.loads(line)
    assert path == f"{command}.html"
    assert facts["type"] == ("explanation" if command == "explain" else "comparison")
    if command == "explain":
        assert len(facts["numbers"]["token_mass_share"]) == 9
    else:
        assert facts["numbers"]["scores"][1] == [None] * 9


def test_text_from_standard_input(calls, monkeypatch):
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("piped text\n"))
    assert cli.main(["explain", "-"]) == 0
    assert calls.text == "piped text"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "required: demo | explain | compare | corpus | view; 'semiring-widgets --help'"),
        (["explain"], "required: text; 'semiring-widgets explain --help' lists the options."),
        (["explain", "x", "--level", "z"], "invalid choice: 'z'"),
        (["explain", ""], "The text is empty; give a sentence."),
        (["explain", "x", "--target", "nothing"], "The target 'nothing' is not one token; give another."),
        (["explain", "x", "--html", "no/where.html"], "There is no folder 'no'"),
        (["explain", "x", "--save", "no/where.nc"], "There is no folder 'no'"),
    ],
)
def test_errors_are_one_sentence_and_exit_code_2(calls, capsys, words, sentence):
    assert cli.main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


def test_an_unexpected_failure_is_a_sentence_too(calls, capsys, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("out of memory\nat address 0")

    monkeypatch.setitem(vars(semiring_widgets.explanation), "explain_run", broken)
    assert cli.main(["explain", "x"]) == 2
    assert "failed with RuntimeError: out of memory (set" in capsys.readouterr().err
    monkeypatch.setenv("SEMIRING_WIDGETS_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        cli.main(["explain", "x"])


def test_help_exits_with_zero():
    done = subprocess.run(
        [sys.executable, "-m", "semiring_widgets.cli", "explain", "--help"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "--contrast WORD" in done.stdout


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"semiring-widgets {__version__}\n"


def test_some_of_the_paths(calls, capsys):
    head = '{"layer": 3, "head": 2}'
    for command in ("explain", "compare"):
        assert cli.main([command, "The keys", "--through", head, "--leaving-skip"]) == 0
        assert calls.arguments["through"] == {"layer": 3, "head": 2}
        assert calls.arguments["avoiding"] == ()
        assert calls.arguments["leaving_skip"] is True
    assert cli.main(["explain", "The keys", "--through", "layer 3"]) == 2
    assert "is no JSON" in capsys.readouterr().err
