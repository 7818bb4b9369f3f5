"""The cell magic in a real IPython shell (without a kernel)."""

import re
import types

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import semiring_widgets as sw
import semiring_widgets.explanation
from semiring_widgets import notebook
from semiring_widgets.results.parts import Status
from semiring_widgets.widgets import live, result_widget
from tests.own_semirings import Bottleneck


@pytest.fixture
def shell():
    made = InteractiveShell()
    sw.load_ipython_extension(made)
    yield made
    sw.unload_ipython_extension(made)


@pytest.fixture
def calls(monkeypatch, make_explanation):
    seen = types.SimpleNamespace()

    def explain_run(model, tokenizer, text, **arguments):
        seen.model, seen.tokenizer, seen.text = model, tokenizer, text
        seen.arguments = arguments

        def run(report, check):
            report(make_explanation(status=Status("running", 0, 1, "layer 0")))
            return make_explanation()

        return run

    names = vars(semiring_widgets.explanation)  # a lazy module: nothing heavy is imported
    monkeypatch.setitem(names, "explain_run", explain_run)
    monkeypatch.setitem(names, "load_model", lambda name: (f"model {name}", f"tokenizer {name}"))
    monkeypatch.setattr(result_widget, "read_bundle", lambda: "export default {};")
    monkeypatch.setattr(live, "read_bundle", lambda: "export default {};")
    return seen


EXAMPLE = re.compile(r"^ +%%explain (.+)\n +(.+)$", re.MULTILINE)


def test_a_question_mark_tells_every_option_and_shows_examples(shell):
    told = shell.object_inspect("%%explain")["docstring"]
    joined = " ".join(told.split()).replace("feed- ", "feed-")
    for action in notebook._parser()._actions:
        assert action.option_strings[-1] in told
        assert " ".join(action.help.split("%")[0].split()) in joined
    assert len(EXAMPLE.findall(told)) >= 4
    shown = shell.object_inspect_mime("%%explain")["text/plain"]
    assert "%%explain --target are --contrast is" in shown
    assert "%%%" not in shown


def test_the_examples_of_the_help_run(shell, calls):
    shell.user_ns.update(model=lambda: None, tokenizer="its tokenizer")
    for line, cell in EXAMPLE.findall(shell.object_inspect("%%explain")["docstring"]):
        calls.text = None
        shell.run_cell_magic("explain", line, cell)
        assert calls.text == cell


def test_help_is_printed_where_it_is_asked_for(shell, capsys):
    shell.run_cell_magic("explain", "--help", "x")
    assert "%%explain --target are" in capsys.readouterr().out


def test_the_body_is_the_text_and_the_result_a_variable(shell, calls):
    line = "--target are --contrast 'is not' --position 3 --max-memory 2GB"
    shell.run_cell_magic("explain", line, "The keys [MASK]\n")
    assert (calls.model, calls.tokenizer) == ("model demo", "tokenizer demo")
    assert calls.text == "The keys [MASK]"
    assert {name: calls.arguments[name] for name in ("target", "contrast", "position", "granularity")} == {
        "target": "are",
        "contrast": "is not",
        "position": 3,
        "granularity": "primitive",
    }
    assert calls.arguments["max_memory"] == 2 * 10**9
    assert shell.user_ns["explanation"].status.state == "done"


def test_model_and_tokenizer_may_be_variables(shell, calls):
    def model():
        """Stands for a model: something that can be called."""

    shell.user_ns.update(mine=model, words="my tokenizer", both=(model, "its tokenizer"))
    shell.run_cell_magic("explain", "--model mine --tokenizer words --store r", "x")
    assert (calls.model, calls.tokenizer) == (model, "my tokenizer")
    assert "r" in shell.user_ns
    shell.run_cell_magic("explain", "--model both", "x")
    assert (calls.model, calls.tokenizer) == (model, "its tokenizer")
    shell.user_ns["demo"] = 5  # no model: the name means the embedded one
    shell.run_cell_magic("explain", "", "x")
    assert calls.model == "model demo"
    with pytest.raises(UsageError, match="knows no tokenizer"):
        shell.run_cell_magic("explain", "--model mine", "x")


def test_the_semiring_may_be_a_variable(shell, calls):
    shell.user_ns.update(mine=Bottleneck(), entropy="a variable of another kind")
    shell.run_cell_magic("explain", "--semiring mine", "x")
    assert calls.arguments["semiring"] is shell.user_ns["mine"]
    shell.run_cell_magic("explain", "--semiring entropy", "x")
    assert calls.arguments["semiring"] == "entropy"
    shell.run_cell_magic("explain", "", "x")
    assert calls.arguments["semiring"] is None


@pytest.mark.parametrize(
    ("line", "cell", "sentence"),
    [
        ("", "  \n", "holds no text"),
        ("--level z", "x", "invalid choice: 'z'"),
        ("--target 'a", "x", "cannot be read"),
    ],
)
def test_mistakes_are_sentences(shell, calls, line, cell, sentence):
    with pytest.raises(UsageError, match=sentence):
        shell.run_cell_magic("explain", line, cell)


def test_help_is_printed(shell, calls, capsys):
    shell.run_cell_magic("explain", "--help", "x")
    assert "--store NAME" in capsys.readouterr().out


def test_unloading_removes_the_magic(shell):
    sw.unload_ipython_extension(shell)
    assert "explain" not in shell.magics_manager.magics["cell"]


def test_parts_of_a_model_are_json_or_a_variable(shell, calls):
    shell.user_ns["mlp"] = {"layer": 0, "branch": "mlp"}
    shell.run_cell_magic("explain", """--through '{"layer": 3, "head": 2}' --avoiding mlp""", "The keys")
    assert calls.arguments["through"] == {"layer": 3, "head": 2}
    assert calls.arguments["avoiding"] == shell.user_ns["mlp"]
