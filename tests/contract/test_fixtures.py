"""The messages that the TypeScript tests read are the messages that Python sends.

``tests/fixtures/messages.json`` holds one of each kind. After a deliberate change of the table, write it
anew with ``SEMIRING_WIDGETS_WRITE_FIXTURES=1 pytest tests/contract/test_fixtures.py``, and run vitest.
"""

import base64
import json
import os
from pathlib import Path

import pytest

from semiring_widgets.contract import messages
from semiring_widgets.contract.answers import answer
from semiring_widgets.contract.both import both
from semiring_widgets.contract.table import ANSWERS, REQUESTS, SUMMARIES
from semiring_widgets.results.parts import Statistic, Status
from tests.continued import continued

FILE = Path(__file__).parents[1] / "fixtures" / "messages.json"


@pytest.fixture
def sent(make_explanation, make_comparison, make_beside):
    """One message of each kind: summaries at several times, and the answers to the examples of the table."""
    result, sides = make_explanation(), make_beside()
    kinds = {
        "explanation": messages.encode(result, 7),
        "partial": messages.encode(
            make_explanation(known=False, status=Status("running", 3, 14, "layer 3 of 6")), 2
        ),
        "asked": messages.encode(
            make_explanation(
                statistics=(Statistic("spread", "nats"), Statistic("<b>width</b>", "")),
                paths="only paths through head 1·0",
            ),
            3,
        ),
        "continued": messages.encode(continued(make_explanation), 5),
        "starting": messages.starting(
            "explanation", "The keys", "BertForMaskedLM", Status("running", 0, 0, "starting"), 1
        ),
        "comparison": messages.encode(make_comparison(), 1),
        **{
            kind.answer.type: answer(result, {"type": name, "id": number, **kind.example})
            for number, (name, kind) in enumerate(REQUESTS.items())
            if kind.example is not None
        },
        "beside": messages.encode(sides, 4),
        "both": both(sides, {"type": "both", "id": 12, "selection": [{"layer": 2, "head": 1}]}),
        "error": messages.failure(9, "There is no layer 3; this explanation has 3, counted from 0."),
    }
    return {
        kind: {"header": header, "buffer": base64.b64encode(buffer).decode()}
        for kind, (header, buffer) in kinds.items()
    }


def test_the_fixtures_are_what_is_sent(sent):
    if os.environ.get("SEMIRING_WIDGETS_WRITE_FIXTURES"):
        FILE.write_text(json.dumps(sent, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    assert set(stored) == set(sent)
    for kind, message in sent.items():
        assert stored[kind]["header"] == message["header"], kind
        assert stored[kind]["buffer"] == message["buffer"], kind


def test_there_is_a_fixture_of_every_type_that_is_ours():
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    types = {message["header"]["type"] for message in stored.values()}
    assert types == {*SUMMARIES, *ANSWERS} - {"chart", "bokehjs"}  # Bokeh's, other with every version of it
