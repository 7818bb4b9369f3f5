"""The engine of many processes: a real Ray on this machine gives the same files, and goes without a trace."""

import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

import semiring_widgets as sw
from semiring_widgets import cli
from semiring_widgets.corpus import on_ray
from semiring_widgets.errors import CancelledError, InputError, SemiringWidgetsError
from tests.corpus.test_running import killed_rows

ray = pytest.importorskip("ray", reason="Ray is not installed")

# What Ray warns itself of while it starts and ends.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
    pytest.mark.timeout(900),
]
SIZES = {"batch_size": 4, "chunk_size": 5}


@pytest.fixture(scope="module")
def cluster():
    """Small, silent, and gone afterwards."""
    small = {"num_cpus": 2, "num_gpus": 0, "object_store_memory": 100 * 2**20}
    with warnings.catch_warnings():
        # What is left of a start that took too long.
        warnings.simplefilter("ignore", ResourceWarning)
        on_ray.start_ray(ray, address="local", include_dashboard=False, **small)
    yield
    ray.shutdown()


def same_numbers(mine, its):
    """Whether two runs say the same, their numbers up to rounding."""
    for name in ("examples", "parts", "errors"):
        one, other = getattr(mine, name)(), getattr(its, name)()
        numbers = [column for column in one if one[column].dtype == np.float64]
        assert one.drop(columns=numbers).equals(other.drop(columns=numbers)), name
        for column in numbers:
            np.testing.assert_allclose(one[column], other[column], rtol=1e-5, atol=1e-5, err_msg=column)


def test_ray_goes_on_with_a_run_and_says_the_same(cluster, demo, rows, run, tmp_path):
    def stop(done, total):
        if done > 5:
            raise CancelledError

    with pytest.raises(CancelledError):
        sw.explain_corpus(*demo, rows, **SIZES, out=tmp_path, progress=stop)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.parquet")}
    told = []
    given = {**SIZES, "out": tmp_path, "engine": "ray", "workers": 1}
    found = sw.explain_corpus(*demo, rows, **given, progress=lambda *each: told.append(each))
    assert told == [(5, 8), (8, 8)]
    assert before
    assert all(file.read_bytes() == data for file, data in before.items())
    same_numbers(found, run)
    # It was there before, and stays.
    assert ray.is_initialized()
    assert ray.data.DataContext.get_current().enable_progress_bars
    with pytest.raises(InputError, match="gpus_per_worker is 1, and Ray knows of 0 GPUs"):
        sw.explain_corpus(*demo, rows[:1], out=tmp_path / "gpu", engine="ray", gpus_per_worker=1)


class Ending:
    """A tokenizer that ends its process, as a fault in compiled code does."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __getattr__(self, name):
        if name.startswith("__") or name == "tokenizer":
            raise AttributeError(name)
        return getattr(self.tokenizer, name)

    def __call__(self, text, *args, **kwargs):
        if "fault" in text:
            os._exit(7)
        return self.tokenizer(text, *args, **kwargs)

    def __len__(self):
        return len(self.tokenizer)


@pytest.mark.slow
def test_a_worker_that_ends_is_said(cluster, demo, rows, tmp_path):
    model, tokenizer = demo
    given = {"out": tmp_path, "engine": "ray", "chunk_size": 2, "workers": 1}
    ending = [*rows[:2], {"text": "a fault [MASK]", "target": "is"}]
    with pytest.raises(SemiringWidgetsError, match="What is finished is kept; run the same again"):
        sw.explain_corpus(model, Ending(tokenizer), ending, **given)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.slow
def test_several_workers(cluster, demo, rows, run, tmp_path):
    many = sw.explain_corpus(*demo, rows, out=tmp_path, engine="ray", workers=2, batch_size=2, chunk_size=2)
    same_numbers(many, run)


@pytest.mark.slow
def test_what_cannot_be_packed_is_said(cluster, demo, rows, tmp_path, monkeypatch):
    model, _ = demo
    monkeypatch.setattr(model, "lock", __import__("threading").Lock(), raising=False)
    with pytest.raises(InputError, match="cannot be packed"):
        sw.explain_corpus(*demo, rows[:1], out=tmp_path, engine="ray")


STARTED = """
import sys, semiring_widgets as sw
from tests.corpus.test_running import killed_rows
if __name__ == "__main__":
    sw.explain_corpus(
        *sw.load_demo(), killed_rows(), out=sys.argv[1], batch_size=2, chunk_size=2, engine="ray", workers=1
    )
"""


def of_ray(own):
    """The processes of a Ray that a process has started, found by what they were started with."""
    import psutil

    found = []
    for one in psutil.process_iter(["cmdline", "environ"]):
        words, said = " ".join(one.info["cmdline"] or ()), one.info["environ"] or {}
        if said.get("STARTED_BY") == own and "ray" in words:
            found.append(one)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_run_with_a_ray_of_its_own_is_stopped_and_goes_on(demo, tmp_path, name):
    folder, own = tmp_path / "out", f"{os.getpid()}-{name}"
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED, str(folder)],
        env={**os.environ, "STARTED_BY": own},
        stderr=subprocess.PIPE,
        # In the background of a shell interrupts are ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    until = time.monotonic() + 600
    while time.monotonic() < until and not list(folder.glob("examples/*.parquet")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    assert of_ray(own)
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=120)
    assert 1 <= len(list(folder.glob("examples/*.parquet"))) < 6
    until = time.monotonic() + 60
    while of_ray(own) and time.monotonic() < until:
        time.sleep(0.1)
    assert not of_ray(own)
    mine = sw.explain_corpus(*demo, killed_rows(), out=folder, batch_size=2, chunk_size=2)
    assert mine.examples()["row"].tolist() == list(range(12))
    assert not list(folder.rglob("*.partial"))


def test_a_ray_that_does_not_start_is_said(monkeypatch):
    class Slow:
        """As Ray on a machine with no time."""

        started, ended = 0, 0

        def init(self, **options):
            assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
            self.started += 1
            raise Exception("The current node timed out during startup.")

        def shutdown(self):
            self.ended += 1

    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    slow = Slow()
    with pytest.raises(
        SemiringWidgetsError, match="Ray's start failed with Exception: The current node timed"
    ):
        on_ray.start_ray(slow)
    assert slow.started == slow.ended > 1
    assert "RAY_USAGE_STATS_ENABLED" not in os.environ


def test_ray_that_is_not_there_is_a_sentence(demo, rows, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"engine='ray' needs Ray: pip install 'ray\[data\]'"):
        sw.explain_corpus(*demo, rows, out=tmp_path / "never", engine="ray")
    file = tmp_path / "rows.csv"
    file.write_text("text\na [MASK]\n", "utf-8")
    assert cli.main(["corpus", str(file), "--out", str(tmp_path / "never"), "--engine", "ray"]) == 2
    assert "needs Ray" in capsys.readouterr().err
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"workers": 2}, "workers is 2, and only engine='ray' has workers"),
        ({"gpus_per_worker": 0}, "gpus_per_worker is 0, and only engine='ray'"),
        ({"engine": "ray", "workers": 0}, "workers is 0"),
        ({"engine": "ray", "gpus_per_worker": 1.5}, "gpus_per_worker is 1.5; give 0, a fraction"),
        ({"engine": "ray", "gpus_per_worker": True}, "gpus_per_worker is True"),
    ],
)
def test_workers_that_do_not_fit(demo, rows, tmp_path, given, said):
    with pytest.raises(InputError, match=said):
        sw.explain_corpus(*demo, rows, out=tmp_path / "never", **given)
    assert not (tmp_path / "never").exists()
