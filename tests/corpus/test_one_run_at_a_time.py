"""A folder takes one run at a time, of one model and one tokenizer; a killed run is in nobody's way."""

import signal
import subprocess
import sys

import pytest

import semiring_widgets as sw
from semiring_widgets.corpus.digests import digest_of_tokenizer
from semiring_widgets.corpus.locks import alone_in
from semiring_widgets.errors import InputError
from tests import own_tokenizers

HOLDING = """
import sys, time
from pathlib import Path
from semiring_widgets.corpus.locks import alone_in
with alone_in(Path(sys.argv[1])):
    print("in", flush=True)
    time.sleep(100)
"""


def test_the_lock_of_another_process_is_said_and_ends_with_it(demo, rows, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE)
    with process:
        assert process.stdout.readline() == b"in\n"
        with pytest.raises(InputError, match="Another run is at work in"):
            sw.explain_corpus(*demo, rows[:1], out=tmp_path, tested=False)
        assert not (tmp_path / "manifest.json").exists()
        process.send_signal(signal.SIGKILL)
    assert len(sw.explain_corpus(*demo, rows[:1], out=tmp_path, tested=False).examples()) == 1


def test_a_run_that_fails_lets_go(demo, rows, tmp_path):
    def fail(*_):
        raise TimeoutError

    with alone_in(tmp_path), pytest.raises(InputError, match="Another run"):
        sw.explain_corpus(*demo, rows[:1], out=tmp_path)
    with pytest.raises(TimeoutError):
        sw.explain_corpus(*demo, rows[:1], out=tmp_path, progress=fail)
    with alone_in(tmp_path):
        pass


def test_no_folder_can_be_made(demo, rows, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be a folder of results"):
        sw.explain_corpus(*demo, rows[:1], out=tmp_path / "file" / "out")


def test_a_tokenizer_is_told_from_another_by_words_and_rules():
    made = [
        own_tokenizers.byte_level(["the", " key"]),
        own_tokenizers.byte_level(["the", " keys"]),
        own_tokenizers.byte_level(["the", " key"], prefix=True),
        own_tokenizers.byte_level(["the", " key"], signs="<s></s>"),
        own_tokenizers.byte_level(["the", " key"], mask=None),
    ]
    digests = [digest_of_tokenizer(one) for one in made]
    assert len(set(digests)) == len(digests)
    assert digest_of_tokenizer(own_tokenizers.byte_level(["the", " key"])) == digests[0]
    # What a call leaves behind is none of it.
    made[0](["the", "the key"], padding=True, truncation=True, max_length=2)
    assert digest_of_tokenizer(made[0]) == digests[0]


def test_another_tokenizer_is_refused(demo, rows, tmp_path):
    model, tokenizer = demo
    sw.explain_corpus(model, tokenizer, rows[:1], out=tmp_path, tested=False)
    other = type(tokenizer).from_pretrained(tokenizer.name_or_path)
    other.add_tokens(["brandnew"])
    with pytest.raises(InputError, match="holds a run with tokenizer ="):
        sw.explain_corpus(model, other, rows[:1], out=tmp_path, tested=False)
