"""Asking again in the widget: what is shown meanwhile, what is kept, what is said; no model is needed."""

import threading
from dataclasses import replace

import pytest

from semiring_widgets.errors import InputError, MemoryLimitError
from semiring_widgets.jobs import ExplanationJob
from semiring_widgets.results.asked_arguments import Argument
from semiring_widgets.results.groups import GroupBook
from semiring_widgets.results.holding import HeldSession
from semiring_widgets.results.parts import Sentence, Status
from semiring_widgets.widgets import ExplanationWidget


class Asker:
    """Stands for the model: a target that is "bad" is refused, another is the score's label."""

    def __init__(self, make, target="are", gate=None):
        self.make, self.target, self.gate = make, target, gate

    @property
    def arguments(self):
        return (
            Argument("text", '"Two keys"', ("Two keys",)),
            Argument("target", f'"{self.target}"', (self.target,)),
        )

    def changed(self, target="are", **others):
        if others:
            raise InputError(f"{next(iter(others))!r} cannot be changed here.")
        return Asker(self.make, target, self.gate)

    def answer(self):
        made = self.make()
        return replace(
            made,
            score=replace(made.score, label=self.target),
            sentences=(Sentence("score", "It is so."),),
            session=HeldSession(made.session, self),
            arguments=self.arguments,
        )

    def run(self, before=None):
        def run(report, check):
            if self.gate is not None:
                while not self.gate.wait(0.01):
                    check()
            if self.target == "bad":
                raise InputError(
                    "target 'bad' is unknown to this tokenizer; choose a word of its vocabulary."
                )
            return self.answer()

        return run


@pytest.fixture
def asked(bundle, make_explanation):
    first = Asker(make_explanation).answer()
    return ExplanationWidget(first), first


def inquiry(widget):
    return widget.summary["inquiry"]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (None, ["heads", "to", "keys at layer 1"]),
        (["The", "doors", "to", "the", "cabinet", "[MASK]", "on", "the", "table"], ["heads", "to"]),
        (["The", "[MASK]"], ["heads"]),
    ],
    ids=["the same text", "another word", "a short text"],
)
def test_groups_go_with_the_next_question_where_their_words_still_stand(
    bundle, make_explanation, words, kept
):
    asker = Asker(make_explanation)
    first = asker.answer()
    first.group("heads", [{"layer": 0, "head": 1}, {"layer": 1, "head": 0}])
    first.group("to", [{"layer": 1, "head": 0}, {"token": 2}])
    first.group("keys at layer 1", [{"layer": 1, "token": 1}])
    widget = ExplanationWidget(first)
    if words is not None:
        asker.make = lambda: make_explanation(words)
    widget.ask(target="were")
    found = widget.wait(20)
    assert list(found.groups) == kept
    assert [group["name"] for group in widget.summary["groups"]] == kept
    # Each was measured again, by the session of the new answer.
    assert list(first.groups) == ["heads", "to", "keys at layer 1"]
    assert all(found.groups[name].parts == first.groups[name].parts for name in kept)


def test_groups_outlast_a_question_that_was_cancelled(bundle, make_explanation):
    asker = Asker(make_explanation, gate=threading.Event())
    first = asker.answer()
    first.group("heads", [{"layer": 0, "head": 1}])
    widget = ExplanationWidget(first)
    widget.ask(target="were")
    # Its first part is shown, as after the first layer.
    partial = replace(
        asker.answer(), groups=GroupBook(), status=Status("running", 1, 2, "layer 1"), arguments=()
    )
    widget._take(partial, partial.status)
    assert widget.explanation is partial
    widget.cancel()
    asker.gate.set()
    widget.ask(target="was")
    assert list(widget.wait(20).groups) == ["heads"]


def test_a_group_that_cannot_be_measured_does_not_cost_the_answer(bundle, make_explanation, monkeypatch):
    asker = Asker(make_explanation)
    first = asker.answer()
    for name in ("a", "b"):
        first.group(name, [{"layer": 0, "head": 1}])
    widget = ExplanationWidget(first)
    measured = HeldSession.group

    def group(self, name, parts, check=None):
        if name == "a":
            first.groups.remove("b")
            raise MemoryLimitError("too large")
        return measured(self, name, parts, check)

    monkeypatch.setattr(HeldSession, "group", group)
    widget.ask(target="were")
    assert list(widget.wait(20).groups) == ["b"]


def test_another_question_is_shown_and_the_one_before_is_kept(asked):
    widget, first = asked
    widget.ask(target="were")
    found = widget.wait(60)
    assert widget.explanation is found
    assert (found.score.label, first.score.label) == ("were", "are")
    assert widget.summary["score"]["label"] == "were"
    assert [(one["number"], one["label"], one["held"]) for one in inquiry(widget)["past"]] == [
        (2, "were", True),
        (1, "are", True),
    ]
    widget.recall(1)
    assert widget.explanation is first
    assert inquiry(widget)["number"] == 1


def test_a_bad_target_is_said_and_the_answer_stays(asked):
    widget, first = asked
    widget.ask(target="bad")
    with pytest.raises(InputError, match="target 'bad'"):
        widget.wait(60)
    assert widget.explanation is first
    assert widget.summary["status"]["state"] == "done"
    told = inquiry(widget)
    assert (told["number"], told["wrong"], told["status"]["state"]) == (1, "target", "failed")
    assert "unknown to this tokenizer" in told["status"]["message"]
    assert len(told["past"]) == 1


def test_the_page_asks_as_python_does(asked):
    widget, _ = asked
    change = {"name": "target", "words": ["were"]}
    widget._handle_custom_msg({"type": "ask", "id": 1, "changes": [change]}, [])
    assert widget.wait(60).score.label == "were"
    widget._handle_custom_msg({"type": "recall", "id": 2, "number": 1}, [])
    assert widget.explanation.score.label == "are"
    for request, sentence in (
        ({"type": "ask", "changes": [{"name": "colour", "words": ["red"]}]}, "no field 'colour'"),
        ({"type": "recall", "number": 9}, "There is no question 9 here; known are 1, 2"),
    ):
        widget._handle_custom_msg({"id": 3, **request}, [])
        assert sentence in inquiry(widget)["status"]["message"]
        assert widget.explanation.score.label == "are"


def test_the_old_answer_stays_while_the_new_one_is_on_its_way_and_when_it_is_cancelled(
    bundle, make_explanation
):
    gate = threading.Event()
    first = Asker(make_explanation, gate=gate).answer()
    widget = ExplanationWidget(first)
    widget.ask(target="were")
    assert inquiry(widget)["status"]["state"] == "running"
    assert widget.explanation is first
    widget.cancel()
    while inquiry(widget)["status"]["state"] == "running":
        gate.wait(0.01)
    assert inquiry(widget)["status"]["state"] == "cancelled"
    assert widget.explanation is first


def test_a_question_before_anything_is_known_is_acknowledged(bundle, make_explanation):
    gate = threading.Event()

    def run(report, check):
        while not gate.wait(0.01):
            check()
        return make_explanation()

    widget = ExplanationWidget(ExplanationJob(run), text="Two keys", asker=Asker(make_explanation, gate=gate))
    before, revision = inquiry(widget)["attempts"], widget.revision
    widget.ask(target="were")
    assert inquiry(widget)["attempts"] == before + 1
    assert widget.revision > revision
    gate.set()
    widget.wait(60)
    assert widget.explanation.score.label == "were"


def test_ten_questions_are_kept_and_one_that_was_let_go_is_asked_again(asked):
    widget, _ = asked
    for number in range(11):
        widget.ask(target=f"word {number}")
        widget.wait(60)
    past = widget.questions
    assert len(past) == 10
    assert [one.label for one in past[:2]] == ["word 10", "word 9"]
    old = widget._asked.recall(past[-1].number)
    old.answer.release()
    widget.recall(old.number)
    again = widget.wait(60)
    assert (again.score.label, again.live) == (past[-1].label, True)
    with pytest.raises(InputError, match="There is no question 1 here"):
        widget.recall(1)


def test_a_result_from_a_file_says_why_it_cannot_be_asked(bundle, make_explanation):
    widget = ExplanationWidget(make_explanation(session=False))
    assert inquiry(widget) is None
    with pytest.raises(InputError, match="came without its model"):
        widget.ask(target="were")


def test_closing_gives_up_all_recordings(asked):
    widget, first = asked
    widget.ask(target="were")
    found = widget.wait(60)
    widget.close()
    assert (first.live, found.live) == (False, False)
