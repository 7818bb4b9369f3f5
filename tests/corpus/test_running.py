"""Runs over a corpus: the numbers of `explain`, whatever the batches; every row once, whatever happens."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets import cli
from semiring_widgets.corpus import files
from semiring_widgets.corpus.table_columns import ERRORS, EXAMPLES, PARTS
from semiring_widgets.errors import CancelledError, InputError


def bytes_in(corpus):
    return {file.relative_to(corpus.path): file.read_bytes() for file in corpus.path.rglob("*.parquet")}


def test_tables_have_their_columns_and_every_row_is_there_once(run, rows):
    examples, parts, errors = run.examples(), run.parts(), run.errors()
    assert (list(examples), list(parts), list(errors)) == (list(EXAMPLES), list(PARTS), list(ERRORS))
    assert sorted([*examples["row"], *errors["row"]]) == list(range(len(rows)))
    assert examples["id"].tolist() == [row["id"] for row in rows if row["id"] != "odd"]
    assert errors[["row", "id", "error"]].values.tolist() == [[3, "odd", "InputError"]]
    assert "has no [MASK] token" in errors["reason"][0]
    assert set(parts["row"]) == set(examples["row"])
    assert set(parts["token_class"].dropna()) == {"special", "asked", "word", "punctuation"}


def test_a_row_says_what_explain_says(run, demo, rows):
    for number in (0, 6):
        row = rows[number]
        e = sw.explain(*demo, row["text"], row["target"], row["contrast"])
        (told,) = run.examples().query(f"row == {number}").to_dict("records")
        assert told["score"] == pytest.approx(e.score.value, abs=1e-6)
        assert told["reference_score"] == pytest.approx(e.reference.score, abs=1e-5)
        for name in ("log_mass", "entropy", "best_log_weight"):
            assert told[name] == pytest.approx(getattr(e.totals, name), rel=1e-5)
        assert told["top_token_text"] == e.tokens[int(np.abs(e.dataset.token_effect.values).argmax())].text
        parts = run.parts().query(f"row == {number}")
        whole = parts[parts["branch"].isna()]
        for kind in ("token", "head", "mlp"):
            own = whole[whole["kind"] == kind]
            for what in ("effect", "contribution"):
                wanted = e.dataset[f"{kind}_{what}"].values.reshape(-1)
                assert np.allclose(own[what].to_numpy(float), wanted, atol=2e-5)
        shares = parts[(parts["kind"] == "branch") & (parts["layer"] == 2) & (parts["branch"] == "value")]
        wanted = e.dataset.branch_mass_share.sel(layer=2, branch="value").values
        assert np.allclose(shares["mass_share"].to_numpy(float), wanted, atol=1e-5)
        heads = parts[(parts["kind"] == "head") & (parts["branch"] == "key") & (parts["layer"] == 1)]
        wanted = e.dataset.head_mass_share.sel(layer=1, kind="key").values
        assert np.allclose(heads["mass_share"].to_numpy(float), wanted, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_numbers_do_not_depend_on_the_batch(run, demo, rows, tmp_path, batch_size):
    other = sw.explain_corpus(*demo, rows, out=tmp_path, batch_size=batch_size, chunk_size=5)
    for mine, its in ((run.examples(), other.examples()), (run.parts(), other.parts())):
        numbers = [name for name in mine if mine[name].dtype == np.float64]
        assert mine.drop(columns=numbers).equals(its.drop(columns=numbers))
        for name in numbers:
            np.testing.assert_allclose(mine[name], its[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_an_interrupted_run_goes_on(run, demo, rows, tmp_path):
    def stop(done, total):
        assert total == len(rows)
        if done > 5:
            raise CancelledError

    with pytest.raises(CancelledError):
        sw.explain_corpus(*demo, rows, out=tmp_path, batch_size=4, chunk_size=5, progress=stop)
    assert len(list((tmp_path / "examples").iterdir())) == 1
    asked = []
    model, tokenizer = demo
    handle = model.register_forward_pre_hook(lambda *_: asked.append(1))
    try:
        whole = sw.explain_corpus(model, tokenizer, rows, out=tmp_path, batch_size=4, chunk_size=5)
        assert asked
        asked.clear()
        again = sw.explain_corpus(model, tokenizer, rows, out=tmp_path, batch_size=4, chunk_size=5)
    finally:
        handle.remove()
    assert not asked
    assert bytes_in(whole) == bytes_in(again) == bytes_in(run)


KILLED = """
import sys, semiring_widgets as sw
from tests.corpus.test_running import killed_rows
sw.explain_corpus(*sw.load_demo(), killed_rows(), out=sys.argv[1], batch_size=2, chunk_size=2)
"""


def killed_rows():
    pairs = sw.tasks.agreement_pairs(n=12)
    return [{"text": p.text, "target": p.target, "contrast": p.contrast} for p in pairs]


@pytest.mark.slow
def test_a_killed_run_goes_on(demo, tmp_path):
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)])
    until = time.monotonic() + 120
    while time.monotonic() < until and len(list(folder.glob("examples/*.parquet"))) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 2 <= len(list(folder.glob("examples/*.parquet"))) < 6
    (folder / "examples" / ".left.partial").write_bytes(b"half")
    mine = sw.explain_corpus(*demo, killed_rows(), out=folder, batch_size=2, chunk_size=2)
    whole = sw.explain_corpus(*demo, killed_rows(), out=tmp_path / "whole", batch_size=2, chunk_size=2)
    assert mine.examples()["row"].tolist() == list(range(12))
    assert bytes_in(mine) == bytes_in(whole)
    assert not list(folder.rglob("*.partial"))


def test_another_run_in_the_same_folder_is_refused(run, demo, rows):
    model, tokenizer = demo
    same = {"out": run.path, "batch_size": 4, "chunk_size": 5}
    with pytest.raises(InputError, match="holds a run with rules = 'gradient', and now it is 'linear'"):
        sw.explain_corpus(model, tokenizer, rows, **same, rules="linear")
    other = [*rows[:2], {**rows[2], "contrast": "be"}, *rows[3:]]
    with pytest.raises(InputError, match="Rows 0 to 4 are not those that"):
        sw.explain_corpus(model, tokenizer, other, **same)
    weight = next(model.parameters())
    with torch.no_grad():
        weight[5, 5] += 1
    try:
        with pytest.raises(InputError, match="holds a run with weights ="):
            sw.explain_corpus(model, tokenizer, rows, **same)
    finally:
        with torch.no_grad():
            weight[5, 5] -= 1


def test_a_corpus_of_another_length_is_refused(run, demo, rows):
    with pytest.raises(InputError, match="holds a run with rows = 8, and now it is 5"):
        sw.explain_corpus(*demo, rows[:5], out=run.path, batch_size=4, chunk_size=5)


def test_a_folder_with_other_files_keeps_them(demo, rows, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ".letter.partial").write_text("not sent yet")
    sw.explain_corpus(*demo, rows[:1], out=tmp_path, tested=False)
    assert (tmp_path / "mine" / ".letter.partial").exists()
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"holds tables and no manifest.json"):
        sw.explain_corpus(*demo, rows[:1], out=tmp_path, tested=False)


def test_a_file_that_has_gone_is_said(demo, rows, tmp_path):
    found = sw.explain_corpus(*demo, rows[:1], out=tmp_path, tested=False)
    next((tmp_path / "parts").iterdir()).unlink()
    with pytest.raises(InputError, match="is missing or damaged"):
        found.parts()


def test_an_error_of_progress_stops_the_run_and_is_no_row(demo, rows, tmp_path):
    calls = []

    def impatient(done, total):
        calls.append(done)
        if len(calls) == 4:
            raise TimeoutError("enough")

    with pytest.raises(TimeoutError, match="enough"):
        sw.explain_corpus(*demo, rows[:2], out=tmp_path, progress=impatient)
    # In the middle of a batch, that is; and nothing of it is kept.
    assert len(calls) == 4
    assert not list(tmp_path.glob("*/*.parquet"))
    calls = [""] * 4
    sw.explain_corpus(*demo, rows[:4], out=tmp_path / "all", tested=False, progress=impatient)
    assert calls[4] == 0
    assert calls[-1] == 4


def test_what_no_row_is_to_blame_for_is_said_at_once(demo, rows, tmp_path):
    model, tokenizer = demo
    model.train()
    try:
        with pytest.raises(InputError, match="is in training mode"):
            sw.explain_corpus(model, tokenizer, rows, out=tmp_path / "never")
    finally:
        model.eval()
    with pytest.raises(InputError, match="tokenizer is 'fast'"):
        sw.explain_corpus(model, "fast", rows, out=tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_half_a_letter_is_the_trouble_of_its_row(demo, rows, tmp_path):
    odd = {"text": "half a letter \ud83d [MASK]", "id": "\ud83d"}
    found = sw.explain_corpus(*demo, [odd, rows[0]], out=tmp_path, tested=False)
    (told,) = found.errors().to_dict("records")
    assert (told["id"], told["text"]) == (r"\ud83d", r"half a letter \ud83d [MASK]")
    assert "half a surrogate pair" in told["reason"]
    assert len(found.examples()) == 1


def test_a_full_disk_is_said_and_leaves_nothing_half_written(demo, rows, tmp_path, monkeypatch):
    def full(path, data):
        if path.parent.name == "examples":
            raise InputError(f"Cannot save to {str(path)!r}: {os.strerror(errno.ENOSPC)}. Make room.")
        return write_whole(path, data)

    write_whole = files.write_whole
    monkeypatch.setattr(files, "write_whole", full)
    with pytest.raises(InputError, match="Make room"):
        sw.explain_corpus(*demo, rows[:2], out=tmp_path)
    monkeypatch.undo()
    assert not list(tmp_path.glob("examples/*"))
    assert len(sw.explain_corpus(*demo, rows[:2], out=tmp_path).examples()) == 2


def test_a_row_that_fails_in_a_batch_fails_alone(demo, rows, tmp_path, monkeypatch):
    from semiring_widgets.corpus import chunks

    def faulty(questions, *rest):
        if any("keys" in one.text for one in questions):
            raise RuntimeError("what is that?")
        return together(questions, *rest)

    together = chunks.explain_together
    monkeypatch.setattr(chunks, "explain_together", faulty)
    bad = {"text": "The keys [MASK] here.", "target": "are"}
    found = sw.explain_corpus(*demo, [*rows[:2], bad, rows[2]], out=tmp_path)
    assert found.errors()[["row", "reason"]].values.tolist() == [
        [2, "The computation failed with RuntimeError: what is that?"]
    ]
    assert found.examples()["row"].tolist() == [0, 1, 3]


def test_estimates_alone_and_some_kinds(demo, rows, tmp_path):
    found = sw.explain_corpus(*demo, rows[:2], out=tmp_path, tested=False, kinds="head")
    parts = found.parts()
    assert set(parts["kind"]) == {"head"}
    assert parts["effect"].isna().all()
    assert parts["contribution"].notna().sum() == 2 * 16
    assert found.examples()["top_token_effect"].isna().all()


def test_averages_with_intervals(run):
    found = run.averages("effect", "head")
    own = run.parts().query("kind == 'head' and branch.isna()")
    means = own.groupby(["layer", "head"])["effect"].mean()
    assert len(found) == 16
    assert (found["mean"].abs().diff().dropna() <= 0).all()
    for row in found.to_dict("records"):
        assert row["mean"] == pytest.approx(means[row["layer"], row["head"]])
        assert row["low"] <= row["mean"] <= row["high"]
        assert row["n"] == 7
    by = run.averages("mass_share", "branch", ["group"])
    assert set(by["group"]) == {"a", "b"}
    assert set(by["n"]) == {3, 4}
    assert 0.0 < run.stability("effect", "head", 3) <= 1.0
    assert run.stability("effect", "head", 16) == 1.0


def test_averages_of_what_is_not_there(run):
    with pytest.raises(InputError, match="No part of kind 'neuron' has a number 'effect'; there are"):
        run.averages("effect", "neuron")
    with pytest.raises(InputError, match="by names 'colour'; choose from row, id"):
        run.averages("effect", "head", ["colour"])
    with pytest.raises(InputError, match="of is 'size'"):
        run.averages("size", "head")


def test_folders_that_hold_no_run(tmp_path):
    with pytest.raises(InputError, match="holds no corpus run"):
        sw.read_corpus(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema_version": 99}')
    with pytest.raises(InputError, match="has tables of version 99"):
        sw.read_corpus(tmp_path)


def test_a_run_is_read_again(run):
    assert sw.read_corpus(run.path).examples().equals(run.examples())
    assert run.manifest["asked"]["model"] == "BertForMaskedLM"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"engine": "spark"}, "engine is 'spark'; choose one of local"),
        ({"batch_size": 0}, "batch_size"),
        ({"kinds": "neuron"}, "kinds is 'neuron'"),
        ({"kinds": 3}, "kinds is 3"),
        ({"reference": 3}, "reference is 3"),
    ],
)
def test_arguments_that_do_not_fit(demo, rows, tmp_path, given, said):
    with pytest.raises(InputError, match=said):
        sw.explain_corpus(*demo, rows, out=tmp_path / "never", **given)
    assert not (tmp_path / "never").exists()


def test_the_command_says_what_came_out_and_where(rows, tmp_path, capsys):
    file = tmp_path / "rows.jsonl"
    file.write_text(
        "\n".join(json.dumps({**row, "sentence": row["text"]} | {"text": ""}) for row in rows[:4])
    )
    words = [
        "corpus",
        str(file),
        "--out",
        str(tmp_path / "out"),
        "--text-column",
        "sentence",
        "--group-column",
        "group",
    ]
    assert cli.main([*words, "--kinds", "token", "head"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "3 of 4 rows explained."
    assert told[1].startswith("The target is preferred in 100.0%")
    assert any("3·3" in line for line in told)
    # Three texts do not tell which of two heads is before the other.
    assert any(line.endswith("]  order not resolved") for line in told)
    assert told[-2].startswith("Not explained: row 3 (odd): The text has no [MASK] token")
    assert told[-1] == str(tmp_path / "out")
    assert cli.main([*words, "--kinds", "token", "head", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (facts["rows"], facts["explained"], facts["errors"], facts["right"]) == (4, 3, 1, 1.0)
    assert cli.main([*words, "--rules", "linear"]) == 2
    assert "holds a run with rules = 'gradient'" in capsys.readouterr().err
