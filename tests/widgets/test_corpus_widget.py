"""The widget of a corpus: what it sends, what it answers, and its forms without a kernel."""

import base64
import json

import pytest

import semiring_widgets as sw
from semiring_widgets.contract import messages
from semiring_widgets.errors import InputError
from tests.export.reading import unpacked
from tests.overview.made import write_folder

MOST = 2_000_000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return sw.read_corpus(write_folder(tmp_path_factory.mktemp("made") / "run", 40, chunk=15))


@pytest.fixture
def widget(corpus):
    made = corpus.view()
    yield made
    made.close()


def asked(widget, kind, **fields):
    return widget._answer({"type": kind, "id": 4, **fields}, lambda: None)


def test_a_brush_is_answered_with_what_the_rows_say(widget, corpus):
    header, buffer = asked(widget, "brush", x="score", y="entropy", box=[0, 99, 0, 99], groups=[1])
    found = messages.unpack(header["columns"], buffer)
    texts = corpus.examples()
    own = texts[(texts["group"] == "b") & (texts["score"] >= 0)]
    assert (header["type"], header["id"]) == ("brushed", 4)
    assert found["count"].tolist() == [0, len(own), 0]
    assert found["mean"][0, 1] == pytest.approx(own["score"].mean(), rel=1e-5)


@pytest.mark.parametrize("sort", ["row", "text", "group", "score", "entropy", "log_mass", "top_token_effect"])
def test_texts_are_sorted_and_come_by_parts(widget, corpus, sort):
    texts = corpus.examples()
    rows = []
    for start in range(0, 40, 16):
        fields = {"x": "score", "y": "entropy", "sort": sort, "descending": True, "start": start, "count": 16}
        header, _ = asked(widget, "texts", **fields)
        assert header["total"] == 40
        rows += [line["row"] for line in header["lines"]]
    assert sorted(rows) == texts["row"].tolist()
    if sort == "group":  # a text without one is of a group of its own
        return
    values = texts.set_index("row")[sort].loc[rows] if sort != "row" else rows
    known = [value for value in values if isinstance(value, (int, str)) or value > float("-inf")]
    assert known == sorted(known, reverse=True)


def test_texts_are_found_by_words(widget):
    header, _ = asked(widget, "texts", x="score", y="entropy", words="CABINET 17 ")
    assert [line["row"] for line in header["lines"]] == [17]


def test_one_text_has_its_own_numbers(widget, corpus):
    header, buffer = asked(widget, "one_text", row=17)
    parts = corpus.parts()
    own = parts[parts["row"] == 17]
    tokens = own[own["kind"] == "token"]
    assert [word["text"] for word in header["words"]] == tokens["token_text"].tolist()
    assert [word["effect"] for word in header["words"]] == pytest.approx(tokens["effect"].tolist())
    head = own[(own["kind"] == "head") & (own["layer"] == 2) & (own["head"] == 3)]["effect"]
    effects = messages.unpack(header["columns"], buffer)["effect"]
    place = [(one["kind"], one["layer"], one["head"]) for one in widget.summary["parts"]].index(
        ("head", 2, 3)
    )
    assert effects[place] == pytest.approx(head.item(), rel=1e-5)
    assert "target='are', contrast='is', position=6" in header["call"]


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("one_text", {"row": 99}, "Row 99 was not explained"),
        ("explain_text", {"row": 1}, "There is no model here"),
        ("texts", {"x": "score", "y": "entropy", "sort": "luck"}, "sort"),
        ("brush", {"x": "score", "y": "luck"}, "axis"),
        ("dance", {}, "unknown type 'dance'"),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(widget, kind, fields, sentence):
    with pytest.raises(InputError, match=sentence):
        asked(widget, kind, **fields)


def test_a_model_comes_with_its_tokenizer(corpus):
    with pytest.raises(InputError, match="give both, the model and its tokenizer"):
        corpus.view(model=object())


def test_a_text_is_explained_as_the_run_asked(tmp_path):
    model, tokenizer = sw.load_demo()
    text = "The keys to the cabinet [MASK] on the table."
    other = "The key to the cabinet [MASK] on the table."
    rows = [{"text": text, "target": "are", "contrast": "is", "reference": one} for one in ("mean", other)]
    run = sw.explain_corpus(model, tokenizer, rows, out=tmp_path / "run", kinds=["head", "token"])
    widget = run.view(model, tokenizer)
    parts = run.parts()
    for row in range(2):
        header, _ = asked(widget, "explain_text", row=row)
        assert header["summary"]["type"] == "explanation"
        heads = widget.explained.effects()
        heads = heads[heads["kind"] == "head"]["effect"].dropna()
        known = parts[(parts["row"] == row) & (parts["kind"] == "head") & parts["effect"].notna()]["effect"]
        assert sorted(heads) == pytest.approx(sorted(known), abs=1e-3)
    # Questions about it go to the explanation.
    header, _ = asked(widget, "condition", of="text", selection=[{"layer": 2}])
    assert header["type"] == "conditioned"
    widget.close()


def test_without_a_kernel_there_are_a_picture_and_lines(corpus):
    forms = corpus._repr_mimebundle_()
    assert base64.b64decode(forms["image/png"]).startswith(b"\x89PNG")
    assert forms["text/plain"].startswith("Corpus run: 40 texts explained, 0 not.")
    assert set(corpus._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}


@pytest.mark.parametrize(
    "texts", [pytest.param(2_500, id="2500"), pytest.param(20_000, id="20000", marks=pytest.mark.slow)]
)
def test_a_large_corpus_is_never_sent_whole(tmp_path, texts):
    corpus = sw.read_corpus(write_folder(tmp_path / "run", texts, groups=5))
    widget = corpus.view()
    assert len(json.dumps(widget.summary)) + len(widget.summary_buffer) < MOST / 10
    assert widget.summary["points"] < 2_000
    assert len(widget.summary["lines"]) == 200
    page = corpus.to_html(tmp_path / "corpus.html")
    # BokehJS and the bundle come on top of the numbers.
    assert len(unpacked(page.read_text("utf-8"), "payload")) < MOST
