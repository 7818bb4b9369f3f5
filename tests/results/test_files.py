"""Saved files: what was damaged or made up is refused by one sentence, what loads never breaks later."""

import contextlib
import copy
import hashlib
import io
import os
import random
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

import semiring_widgets as sw
from semiring_widgets.contract.answers import answer
from semiring_widgets.contract.messages import encode
from semiring_widgets.errors import InputError
from semiring_widgets.pictures.card import picture
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results import archive, storage
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.parts import Statistic
from semiring_widgets.results.schema import EFFECTS
from semiring_widgets.terminal import show
from semiring_widgets.vocabulary import METRICS

FIXTURES = Path(__file__).parents[1] / "fixtures"
ODD = (None, True, -1, 10**20, 2.5, float("nan"), "", "odd \ud800", [], {}, [None], {"a": 1})


def sealed(data):
    """Bytes with the checksum that they should have."""
    return data[:-64] + hashlib.sha256(data[:-64]).hexdigest().encode()


def opened(path):
    return archive.unpacked(path.read_bytes())


@pytest.fixture
def saved(make_explanation, tmp_path):
    path = tmp_path / "result.zip"
    make_explanation(("a", "b"), layers=1, heads=2, statistics=(Statistic("hops", "hops"),)).save(path)
    return path


@pytest.fixture
def compared(make_comparison, tmp_path):
    path = tmp_path / "comparison.zip"
    make_comparison(("a", "b")).save(path)
    return path


def use(result, tmp_path, *, draw=True):
    """Whatever people do with a result."""
    result.to_xarray()
    result.to_pandas()
    encode(result, 1)
    plain(result)
    with (tmp_path / "shown.txt").open("w", encoding="utf-8", errors="strict") as file:
        show(result, Console(file=file))
    result.save(tmp_path / "again.zip")
    if isinstance(result, Comparison):
        result.to_pandas("methods")
    else:
        result.to_pandas("routes")
        for ranking in result.rankings:
            result.ranking(ranking.by)
        with contextlib.suppress(InputError):
            answer(result, {"type": "head_map", "layer": 0, "head": 0})
    if draw:
        picture(result)
        if isinstance(result, sw.Explanation):
            answer(result, {"type": "chart"})


def loads(path, tmp_path, load=sw.load, **options):
    """Whether a file is loaded; then it can be used, and else it is refused by one sentence."""
    try:
        result = load(path)
    except InputError as error:
        said = str(error)
        assert path.name in said
        assert len(said.splitlines()) == 1
        assert len(said) < 700
        return False
    use(result, tmp_path, **options)
    return True


def leaves(value, path=()):
    """The places of all values inside a JSON document, the first item of a list standing for all."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*path, 0))


def replaced(document, place, value):
    changed = copy.deepcopy(document)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


def test_every_cut_and_every_changed_byte_is_found(saved):
    data = saved.read_bytes()
    for length in range(len(data)):
        with pytest.raises(InputError):
            archive.unpacked(data[:length])
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        with pytest.raises(InputError):
            archive.unpacked(bytes(changed))
    for grown in (data + b"\n", b"#!" + data, data + data):
        with pytest.raises(InputError):
            archive.unpacked(grown)


@pytest.mark.parametrize("load", [sw.load, Comparison.load])
def test_documents_that_somebody_made_up(saved, compared, tmp_path, load):
    path = saved if load is sw.load else compared
    document, arrays = opened(path)
    places = [place for place in leaves(document) if place]
    chosen = random.Random(0)
    refused = 0
    for place in places:
        for value in chosen.sample(ODD, 4):
            path.write_bytes(archive.packed(replaced(document, place, value), arrays))
            refused += not loads(path, tmp_path, load, draw=False)
        missing = copy.deepcopy(document)
        inner = missing
        for key in place[:-1]:
            inner = inner[key]
        del inner[place[-1]]
        path.write_bytes(archive.packed(missing, arrays))
        loads(path, tmp_path, load, draw=False)
    assert refused > len(places)


@pytest.mark.parametrize("begins", [(-1,), (2,), (0, 10**9), (1, 0)])
def test_segments_that_begin_nowhere(saved, begins):
    document, arrays = opened(saved)
    (stream,) = document["streams"]
    assert len(stream["tokens"]) == 2
    for given, wanted in (((0, 1), True), (begins, False)):
        stream["segments"] = [
            {"name": f"text {number}", "begins": begin} for number, begin in enumerate(given)
        ]
        saved.write_bytes(archive.packed(document, arrays))
        if wanted:
            assert [one.begins for one in sw.load(saved).streams[0].segments] == list(given)
        else:
            with pytest.raises(InputError, match=r"segment \d begins at a token -?\d+"):
                sw.load(saved)


@pytest.mark.parametrize("load", [sw.load, Comparison.load])
def test_numbers_that_somebody_made_up(saved, compared, tmp_path, load):
    path = saved if load is sw.load else compared
    document, arrays = opened(path)
    for name in random.Random(0).sample(sorted(arrays), min(8, len(arrays))):
        values = arrays[name]
        extremes = [np.full_like(values, value) for value in (np.nan, np.inf, -np.inf, 3e38, -3e38, 0, -1)]
        for other in (values[..., :-1], values[None], values.ravel(), values[:0], *extremes):
            path.write_bytes(archive.packed(document, {**arrays, name: other}))
            loads(path, tmp_path, load, draw=False)
        path.write_bytes(archive.packed(document, {key: a for key, a in arrays.items() if key != name}))
        loads(path, tmp_path, load, draw=False)
        path.write_bytes(archive.packed(document, {**arrays, "unknown": values}))
        assert not loads(path, tmp_path, load)


def rezipped(data, change, **options):
    """The same entries in another zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", **options) as new:
        for info in old.infolist():
            new.writestr(*change(info, old.read(info)))
        new.comment = old.comment
    return sealed(buffer.getvalue())


def entry(name, content):
    return lambda info, data: (name, content) if info.filename == "token_entropy.npy" else (info, data)


def npy(values, **options):
    buffer = io.BytesIO()
    np.save(buffer, values, **options)
    return buffer.getvalue()


HUGE = npy(np.zeros(2, np.float32)).replace(b"(2,), }" + b" " * 10, b"(200000000000,), }"[:17])


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (lambda d: rezipped(d, lambda i, b: (i.filename, b), compression=zipfile.ZIP_DEFLATED), "compressed"),
        (lambda d: rezipped(d, entry("../evil.npy", b"")), "no array"),
        (lambda d: rezipped(d, entry("/evil.npy", b"")), "no array"),
        (lambda d: rezipped(d, entry("folder/", b"")), "no array"),
        (lambda d: rezipped(d, entry("a.pkl", b"")), "no array"),
        (lambda d: rezipped(d, entry("token_log_mass.npy", b"")), "twice"),
        (lambda d: rezipped(d, entry("token_entropy.npy", b"")), "no valid content"),
        (lambda d: rezipped(d, entry("token_entropy.npy", npy(np.array([{}, 1])))), "no valid content"),
        (lambda d: rezipped(d, entry("token_entropy.npy", npy(np.zeros(2)))), "not float32"),
        (lambda d: rezipped(d, entry("token_entropy.npy", HUGE)), "no valid content"),
        (lambda d: rezipped(d, lambda i, b: (i, b"[" * 10**5 if "json" in i.filename else b)), "no valid"),
        (lambda d: rezipped(d, lambda i, b: (i, b"[1]" if "json" in i.filename else b)), "no JSON object"),
        (lambda d: rezipped(d, lambda i, b: (i, b'{"a": 1e' if "json" in i.filename else b)), "no valid"),
        (lambda d: rezipped(d, lambda i, b: (i, b"9" * 9999 if "json" in i.filename else b)), "no valid"),
        (lambda d: sealed(b"PK\3\4" + d[-200:]), "no valid content"),
        (lambda d: b"", "is empty"),
        (lambda d: b"P", "not written by .save"),
        (lambda d: b"PK\3\4", "not written by .save"),
        (lambda d: b"hello", "not written by .save"),
        (lambda d: b"\x89HDF\r\n\x1a\n" + bytes(5000), "is a netCDF file that cannot be read"),
    ],
)
def test_archives_that_somebody_made_up(saved, tmp_path, content, sentence):
    saved.write_bytes(content(saved.read_bytes()))
    with pytest.raises(InputError, match=sentence):
        sw.load(saved)


def test_what_an_entry_says_of_its_size_is_not_believed(saved):
    data = saved.read_bytes()
    place = data.rindex(b"PK\1\2")
    for offset in (20, 24, 42):  # compressed size, size, and where the entry begins
        changed = bytearray(data)
        changed[place + offset : place + offset + 4] = (2**31).to_bytes(4, "little")
        saved.write_bytes(sealed(bytes(changed)))
        with pytest.raises(InputError):
            sw.load(saved)


def test_a_newer_file_says_so(saved):
    document, arrays = opened(saved)
    saved.write_bytes(archive.packed({**document, "version": storage.FORMAT_VERSION + 1, "new": {}}, arrays))
    with pytest.raises(InputError, match="written by a newer version of semiring_widgets"):
        sw.load(saved)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("score", "value"), 10**400),
        (("version",), 10**4200),
        (("kind",), [[[[["a"] * 999]]]]),
    ],
)
def test_too_large_is_refused_in_few_words(saved, tmp_path, place, value):
    document, arrays = opened(saved)
    saved.write_bytes(archive.packed(replaced(document, place, value), arrays))
    assert not loads(saved, tmp_path)


def test_all_bits_of_numbers_come_back(make_explanation, tmp_path):
    result = make_explanation()
    bits = np.random.default_rng(0).integers(0, 2**32, 9, np.uint32)
    bits[:5] = 0x7FC00001, 0xFFFFFFFF, 0x80000000, 0xFF800000, 1  # NaNs with payloads, -0, -inf, the smallest
    result.dataset["token_log_mass"].values[:] = bits.view(np.float32)
    result.save(tmp_path / "r.zip")
    back = sw.load(tmp_path / "r.zip").dataset["token_log_mass"].values
    np.testing.assert_array_equal(back.view(np.uint32), bits)
    back[0] = 1.0  # and can be written to
    assert np.load(tmp_path / "r.zip")["token_log_mass"].view(np.uint32).tolist() == bits.tolist()


def test_files_of_the_first_format_stay_readable(make_explanation, make_comparison, tmp_path):
    asked = (Statistic("hops", "hops"), Statistic("variance", "nats²"))
    was, back = make_explanation(statistics=asked), sw.load(FIXTURES / "explanation_v1.nc")
    known = back.dataset.drop_vars(EFFECTS)
    xr.testing.assert_identical(known, was.dataset.drop_vars(EFFECTS))
    assert all(np.isnan(back.dataset[name]).all() for name in EFFECTS)  # they were not told then
    for ranking in back.rankings:
        assert ranking == replace(was.ranking(ranking.by), families=())
    assert back.statistics == asked
    assert (back.reference, back.answer, len(back.tests)) == (None, "", 0)
    use(back, tmp_path)
    was, back = make_comparison(), Comparison.load(FIXTURES / "comparison_v1.nc")
    later = ["token_effect", "comprehensiveness", "sufficiency"]
    xr.testing.assert_identical(back.dataset, was.dataset.drop_vars(later))
    unmeasured = {"ranked_by_size": False, **dict.fromkeys(METRICS)}
    assert back.methods == tuple(replace(method, **unmeasured) for method in was.methods)
    assert back.reference is None
    use(back, tmp_path)


@pytest.mark.parametrize("version", [3, 4])
def test_files_of_later_formats_stay_readable(make_explanation, make_comparison, version):
    """The fourth as 0.2.0 writes it; when there is a fifth, these stay."""
    was, back = make_explanation(), sw.load(FIXTURES / f"explanation_v{version}.zip")
    xr.testing.assert_identical(back.dataset, was.dataset)
    assert (back.text, back.score, back.tokens) == (was.text, was.score, was.tokens)
    assert back.rankings == was.rankings
    assert list(map(str, back.tests)) == list(map(str, was.tests)) != []
    was, back = make_comparison(), Comparison.load(FIXTURES / f"comparison_v{version}.zip")
    xr.testing.assert_identical(back.dataset, was.dataset)
    assert (back.text, back.methods) == (was.text, was.methods)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_files_of_the_first_format(tmp_path, seed):
    chosen = random.Random(seed)
    data = bytearray((FIXTURES / "comparison_v1.nc").read_bytes())
    for _ in range(chosen.choice([1, 8, 64])):
        data[chosen.randrange(len(data))] = chosen.randrange(256)
    path = tmp_path / "damaged.nc"
    path.write_bytes(data[: len(data) - seed % 2 * 1000])
    loads(path, tmp_path, Comparison.load)


@pytest.mark.parametrize("trick", ["soft", "external", "raw", "virtual", "huge", "group"])
def test_hdf5_files_that_reach_beyond_themselves(tmp_path, trick):
    h5py = pytest.importorskip("h5py")
    path, secret = tmp_path / "made_up.nc", tmp_path / "secret"
    secret.write_bytes(bytes(64))
    path.write_bytes((FIXTURES / "comparison_v1.nc").read_bytes())
    with h5py.File(path, "a") as file:
        del file["scores"]
        if trick == "soft":
            file["scores"] = h5py.SoftLink("/rank_correlation")
        elif trick == "external":
            file["scores"] = h5py.ExternalLink(str(secret), "/scores")
        elif trick == "raw":
            file.create_dataset("scores", (2, 8), np.float32, external=[(str(secret), 0, 64)])
        elif trick == "virtual":
            layout = h5py.VirtualLayout((2, 8), np.float32)
            layout[:] = h5py.VirtualSource(str(secret), "x", (2, 8))
            file.create_virtual_dataset("scores", layout)
        elif trick == "huge":
            file.create_dataset("scores", (3, 10**9), np.float32, chunks=(1, 10**6), compression="gzip")
        else:
            file.create_group("scores")
    with pytest.raises(InputError, match=r"scores (is a link|is no array|declares)|the numbers of scores"):
        Comparison.load(path)


def test_a_reader_that_never_ends_is_ended(monkeypatch):
    from semiring_widgets.results import old_format

    monkeypatch.setattr(old_format, "_SCRIPT", "while True: pass")
    with pytest.raises(InputError, match=r"not read within 0\.2 s"):
        old_format.converted(b"", patience=0.2)


def test_nothing_of_a_file_is_run(saved, tmp_path):
    """Loading unpickles nothing and starts nothing: the control is that opening the file is seen."""
    code = (
        "import sys, semiring_widgets.results.explanation as r\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, args: seen.append(event))\n"
        f"r.load({str(saved)!r})\n"
        "print(*sorted({'pickle.find_class', 'os.system', 'subprocess.Popen', 'open'} & set(seen)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(sw.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["open"]
