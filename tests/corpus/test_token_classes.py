"""What a token is called, a corpus's own classes, and what heads carry from one class to another."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets import cli
from semiring_widgets.corpus.token_classes import CLASSES, word_numbers
from semiring_widgets.errors import InputError
from semiring_widgets.vocabulary import KINDS
from tests.explanation.test_continuations import gpt2, llama
from tests.own_tokenizers import byte_level, sentence_piece, word_piece

ALONE = {"tested": False, "kinds": "token"}


def told(parts, row=0):
    """Token and class, in order."""
    own = parts[(parts["kind"] == "token") & (parts["row"] == row)]
    return list(zip(own["token_text"], own["token_class"], strict=True))


@pytest.mark.parametrize(
    ("make", "tokenizer", "text", "wanted"),
    [
        (
            gpt2,
            lambda: byte_level(["keys", " the"], mask=None),
            # The blank before what it does not know is a token, and so is each of its letters.
            "keys, lo the",
            ["word", "punctuation", "punctuation", "word", "piece", "asked"],
        ),
        (
            llama,
            lambda: sentence_piece([" lock", "smith", " it", "'", "s", " the"], mask=None),
            "locksmith it's the",
            ["word", "piece", "word", "punctuation", "word", "asked"],
        ),
    ],
)
def test_pieces_and_punctuation(make, tokenizer, text, wanted, tmp_path):
    tokenizer = tokenizer()
    torch.manual_seed(0)
    found = sw.explain_corpus(
        make(tokenizer).eval(), tokenizer, [{"text": text, "target": 5}], out=tmp_path, **ALONE
    )
    assert [of for _, of in told(found.parts())] == wanted


def test_a_masked_text(demo, tmp_path):
    row = {"text": "The keys — to the cabinet [MASK] here.", "target": "are"}
    found = told(sw.explain_corpus(*demo, [row], out=tmp_path, **ALONE).parts())
    assert [found[0], found[-1]] == [("[CLS]", "special"), ("[SEP]", "special")]
    classes = dict(found)
    assert (classes["[MASK]"], classes["keys"], classes["."]) == ("asked", "word", "punctuation")
    assert set(classes.values()) <= set(CLASSES)


def test_words_of_a_class_of_its_own_with_all_their_pieces(tmp_path):
    import transformers

    tokenizer = word_piece(["keys", "lock", "##smith", "here"])
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(vocab_size=len(tokenizer), **small)
    ).eval()
    rows = [
        {"text": "keys locksmith , here", "target": 1, "noun": "0 1", "second": 1},
        {"text": "keys here", "target": 1, "noun": None, "second": [0]},
        {"text": "keys", "target": 1, "noun": "1"},
        {"text": "keys", "target": 1, "noun": "first"},
    ]
    found = sw.explain_corpus(model, tokenizer, rows, out=tmp_path, classes=["second", "noun"], **ALONE)
    assert [of for _, of in told(found.parts())] == [
        *("special", "noun", "second", "second", "punctuation", "word", "special")
    ]
    assert [of for _, of in told(found.parts(), 1)] == ["special", "second", "word", "special"]
    assert found.errors()["reason"].tolist() == [
        "noun names word 1, and the text has 1, which are counted from 0.",
        "noun is 'first'; give the numbers of words, from 0, with blanks between.",
    ]
    assert found.manifest["asked"]["classes"] == ["second", "noun"]
    with pytest.raises(InputError, match="holds a run with classes"):
        sw.explain_corpus(model, tokenizer, rows, out=tmp_path, classes="noun", **ALONE)


@pytest.mark.parametrize("cell", [-1, 1.5, True, "1;2", ["a"], {}])
def test_what_is_no_number_of_a_word(cell):
    with pytest.raises(InputError, match=r"of words, from 0|counted from 0"):
        word_numbers(cell, "noun")


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ("word", "classes names 'word', which tokens are called anyway"),
        ([3], "classes names 3; give the names of columns"),
        ("noun", "No row has a column 'noun'"),
    ],
)
def test_columns_that_are_no_classes(demo, rows, tmp_path, classes, said):
    with pytest.raises(InputError, match=said):
        sw.explain_corpus(*demo, rows, out=tmp_path / "never", classes=classes)
    assert not (tmp_path / "never").exists()


def test_the_command_takes_them(tmp_path, capsys):
    file = tmp_path / "rows.tsv"
    file.write_text("text\ttarget\tsubject\nThe keys [MASK] here.\tare\t1\n", "utf-8")
    words = ["corpus", str(file), "--out", str(tmp_path / "out"), "--class-columns", "subject"]
    assert cli.main([*words, "--kinds", "token", "--untested"]) == 0
    capsys.readouterr()
    assert ("keys", "subject") in told(sw.read_corpus(tmp_path / "out").parts())


def test_shares_of_classes_add_up_to_those_of_heads(run):
    parts = run.parts()
    place = ["row", "layer", "head", "branch"]
    own = parts[parts["kind"] == "class"]
    assert (own.groupby(place).size() > 4).all()
    heads = parts[(parts["kind"] == "head") & parts["branch"].notna()].set_index(place)["mass_share"]
    summed = own.groupby(place)["mass_share"].sum().reindex(heads.index)
    np.testing.assert_allclose(summed, heads, atol=1e-6)
    assert heads.max() > 0.01


def test_shares_of_classes_are_sums_over_the_map_of_one_text_alone(run, rows, demo):
    model, tokenizer = demo
    ids = tokenizer(rows[0]["text"], return_tensors="pt").input_ids
    place = ids[0].tolist().index(tokenizer.mask_token_id)
    x = model.get_input_embeddings()(ids).detach()
    good, bad = tokenizer.convert_tokens_to_ids([rows[0]["target"], rows[0]["contrast"]])
    with sw.record() as tape:
        logits = model(inputs_embeds=x).logits[0, place]
        score = logits[good] - logits[bad]
    maps = sw.flow(tape, score, x).map_mass_share
    parts = run.parts()
    of = np.array([each for _, each in told(parts)])
    own = parts[(parts["kind"] == "class") & (parts["row"] == 0)]
    assert len(own) == maps["layer"].size * maps["head"].size * len(KINDS) * len(set(of)) ** 2
    for each in own.to_dict("records"):
        cells = maps.sel(layer=each["layer"], head=each["head"], kind=each["branch"]).values
        wanted = cells[np.ix_(of == each["target_class"], of == each["source_class"])].sum()
        assert each["mass_share"] == pytest.approx(wanted, abs=1e-6)


def test_they_are_averaged_by_both_classes(run):
    found = run.averages("mass_share", "class")
    assert {"source_class", "target_class", "branch"} <= set(found)
    own = run.parts().query(
        "kind == 'class' and layer == 3 and head == 3 and branch == 'value' "
        "and source_class == 'word' and target_class == 'asked'"
    )
    (told,) = found.query(
        "layer == 3 and head == 3 and branch == 'value' "
        "and source_class == 'word' and target_class == 'asked'"
    ).to_dict("records")
    assert told["mean"] == pytest.approx(own["mass_share"].mean())


def as_version_1(folder):
    """A folder as runs left it before the flow between classes was told."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["schema_version"] = 1
    del manifest["asked"]["classes"]
    manifest["asked"]["kinds"].remove("class")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for file in (folder / "parts").iterdir():
        table = pq.read_table(file).drop_columns(["source_class", "target_class"])
        frame = table.to_pandas()
        kept = (frame["kind"] != "class").to_numpy()
        pq.write_table(table.filter(kept), file)


def test_tables_of_version_1_are_read_and_not_added_to(demo, rows, tmp_path):
    given = {"out": tmp_path, "chunk_size": 2, "tested": False}
    found = sw.explain_corpus(*demo, rows[:3], **given)
    before = found.parts().query("kind != 'class'").reset_index(drop=True)
    as_version_1(tmp_path)
    old = sw.read_corpus(tmp_path)
    after = old.parts()
    assert after["source_class"].isna().all()
    assert after.astype(before.dtypes).equals(before)
    assert len(old.averages("contribution", "head")) == 16
    assert old.to_html(tmp_path / "page.html").exists()
    with pytest.raises(InputError, match="tables of version 1, and this would write version 2"):
        sw.explain_corpus(*demo, rows[:3], **given)
