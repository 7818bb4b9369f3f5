"""The contraction kernels against float64, for any shape, stride, zero and scale; with C and with torch."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import build, c_library
from semiring_widgets.core.semirings import Abs, Entropy, Max, SignedMax, Weight
from semiring_widgets.errors import PerformanceWarning

SHAPES = [(1, 1, 1), (8, 32, 32), (7, 5, 33), (9, 1, 31), (3, 70, 64), (17, 0, 4), (0, 3, 4), (2, 3, 0),
          (64, 257, 129), (13, 600, 40)]  # fmt: skip


def reference(p, q, w):
    """All four algebras in float64, by writing every product down."""
    p, q, w = p.double(), q.double(), w.double()
    mass = p @ w.abs()
    total = q @ w.abs() + p @ torch.special.xlogy(w.abs(), w.abs())
    if p.shape[-1] == 0:
        return mass, total, mass, mass, mass
    products = p[..., :, None] * w[..., None, :, :]
    others = -q.abs()[..., :, None] * w[..., None, :, :]
    both = torch.cat([products, others], -2)
    return mass, total, products.abs().amax(-2), both.amax(-2).clamp(min=0), both.amin(-2).clamp(max=0)


def measured(p, q, w):
    mass, total = kernels.expectation(p, q, w)
    assert torch.allclose(mass, kernels.mass(p, w), rtol=1e-6)
    return mass, total, kernels.max_times(p, w), *kernels.signed_max_times(p, -q.abs(), w)


def operands(shape, turned=False):
    m, k, n = shape
    noise = torch.Generator().manual_seed(m + k + n)
    p = torch.rand(2, m, k, generator=noise)
    q = torch.randn(2, m, k, generator=noise)
    w = torch.randn(2, n, k, generator=noise).mT if turned else torch.randn(2, k, n, generator=noise)
    return p * (p > 0.2), q, w * (torch.rand(w.shape, generator=noise) > 0.2)


def in_logs(p, q, w):
    """What a sweep asks for, on shapes that are large enough for several threads."""
    log, entropy = p.log(), q.abs()
    flat = log.reshape(-1).repeat(4)
    pairs = [(flat, flat.roll(1)), (flat.roll(2), flat.roll(3))]
    return (
        *(part for s in (Abs(), Max()) for part in s.contract((log,), Weight(w))),
        *Entropy().contract((log, entropy), Weight(w)),
        *SignedMax().contract((log, log.roll(1, -1)), Weight(w)),
        *Entropy().plus((pairs[0][0], pairs[0][1].exp()), (pairs[1][0], pairs[1][1].exp())),
        *Entropy().sum((log.repeat(8, 1, 1), entropy.repeat(8, 1, 1)), (-1,)),
        Weight(flat).log,
    )


@pytest.mark.usefixtures("library")
class TestNumbers:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("turned", [False, True])
    def test_equal_float64(self, shape, turned):
        p, q, w = operands(shape, turned)
        cases = [(p, q, w), (p, q, w[0]), (p[0], q[0], w[0]), (p[:1], q[:1], w), (p[:, ::2], q[:, ::2], w)]
        for case in cases:
            for got, wanted in zip(measured(*case), reference(*case), strict=True):
                assert got.shape == wanted.shape
                assert torch.allclose(got.double(), wanted, rtol=1e-5, atol=1e-4)

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("turned", [False, True])
    def test_plain_products(self, shape, turned, monkeypatch):
        monkeypatch.setattr(kernels.c_library, "has_wide_vectors", lambda: True)
        monkeypatch.setattr(kernels, "_WORTHWHILE", 0)
        _, q, w = operands(shape, turned)
        for left, right in [(q, w), (q, w[0]), (q[0], w[0]), (q[:1], w), (q[:, ::2], w)]:
            found = kernels.product(left, right)
            assert found.shape == (left @ right).shape
            assert torch.allclose(found.double(), left.double() @ right.double(), rtol=1e-5, atol=1e-4)

    def test_plain_products_of_what_is_not_finite(self):
        p, w = torch.randn(70, 300), torch.randn(300, 500)
        p[3, 5], p[4, 6], w[7, 8], w[9, 10] = (float(name) for name in ("nan", "inf", "-inf", "nan"))
        w[6, 11] = 0.0
        found, wanted = kernels.product(p, w), p @ w
        assert torch.equal(found.isnan(), wanted.isnan())
        assert torch.equal(found.isposinf(), wanted.isposinf())
        assert torch.equal(found.isneginf(), wanted.isneginf())

    def test_long_sums_keep_their_digits(self):
        p, w = torch.randn(64, 6000), torch.randn(6000, 300)
        exact = p.double() @ w.double()
        wrong = [(found - exact).abs().max() for found in (kernels.product(p, w), p @ w)]
        assert wrong[0] < 3 * wrong[1]
        mass = kernels.mass(p.abs(), w).double()
        assert torch.allclose(mass, p.abs().double() @ w.abs().double(), rtol=1e-6)

    @pytest.mark.parametrize("width", [1, 3, 4, 31, 32, 35])
    @pytest.mark.parametrize("depth", [1, 3, 4, 255, 258])
    def test_any_strides(self, width, depth):
        """By rows, by columns, and with gaps in both directions; with subnormal numbers and ties."""
        noise = torch.Generator().manual_seed(width * depth)
        stored = torch.randn(2 * width, 3 * depth, generator=noise).round(decimals=1)
        stored[::3] *= 1e-40
        p, q = torch.rand(5, depth, generator=noise), torch.randn(5, depth, generator=noise)
        by_columns = stored[:width, :depth].mT
        for w in (by_columns, by_columns.contiguous(), stored[::2, ::3].mT, stored[::2, :depth].mT):
            for got, wanted in zip(measured(p, q, w), reference(p, q, w), strict=True):
                assert torch.allclose(got.double(), wanted, rtol=1e-5, atol=1e-4)

    @pytest.mark.parametrize("semiring", [Abs(), Entropy(), Max(), SignedMax()], ids=lambda s: s.name)
    @pytest.mark.parametrize("spread", [0.0, 3.0, 30.0])
    @pytest.mark.parametrize("shift", [-69.0, 0.0, 69.0])
    def test_any_scale(self, semiring, spread, shift):
        """Weights from 1e-30 to 1e30, values that no float32 could hold, rows and terms without a path."""
        noise = torch.Generator().manual_seed(7)
        exponents = (torch.randn(40, 36, generator=noise).double().clamp(-2, 2) * spread + shift).clamp(
            -69, 69
        )
        signs = torch.randn(40, 36, generator=noise).sign()
        w = (exponents.exp() * signs * (torch.rand(40, 36, generator=noise) > 0.3)).float()
        logs = torch.randn(2, 11, 40, generator=noise) * 100
        logs[torch.rand(logs.shape, generator=noise) < 0.3] = float("-inf")
        logs[:, 3] = float("-inf")
        means = torch.randn(11, 40, generator=noise)
        value = {"entropy": (logs[0], means), "signed_max": tuple(logs)}.get(semiring.name, (logs[0],))
        got = semiring.contract(value, Weight(w))
        lifted = semiring.lift(w.double())
        joined = semiring.times(tuple(v.double()[:, :, None] for v in value), tuple(x[None] for x in lifted))
        wanted = tuple(part.squeeze(1) for part in semiring.sum(joined, (1,)))
        exists = wanted[0] > float("-inf")
        for part, (a, b) in enumerate(zip(got, wanted, strict=True)):
            if semiring.name == "entropy" and part == 1:
                a, b = a[exists], b[exists]
            assert torch.allclose(a.double(), b, rtol=2e-5, atol=1e-4)


@pytest.mark.usefixtures("library")
class TestLogarithms:
    """Sums and choices of logarithms: widths that fill no vector, no path, extreme scales, strides."""

    @pytest.mark.parametrize("width", [1, 31, 32, 33, 100])
    @pytest.mark.parametrize("semiring", [Abs(), Entropy(), Max()], ids=lambda s: s.name)
    def test_plus_and_sum_equal_float64(self, semiring, width):
        noise = torch.Generator().manual_seed(width)
        values = []
        for _ in range(2):
            log = torch.randn(5, 3, width, generator=noise) * 60
            log[torch.rand(log.shape, generator=noise) < 0.3] = float("-inf")
            log[0] = float("-inf")
            entropy = torch.where(log > float("-inf"), torch.rand(log.shape, generator=noise) * 40, 0.0)
            values.append((log, entropy)[: len(semiring.zero)])
        wide = [tuple(part.double() for part in value) for value in values]
        turned = [tuple(part.mT for part in value) for value in values]
        pairs = [
            (semiring.plus(*values), semiring.plus(*wide)),
            (tuple(part.mT for part in semiring.plus(*turned)), semiring.plus(*wide)),
            *((semiring.sum(values[0], dims), semiring.sum(wide[0], dims)) for dims in ((2,), (1, 2), (0,))),
            (semiring.sum(turned[0], (-1,)), semiring.sum(tuple(p.mT for p in wide[0]), (-1,))),
        ]
        for got, wanted in pairs:
            for a, b in zip(got, wanted, strict=True):
                assert a.shape == b.shape
                assert torch.allclose(a.double(), b, rtol=1e-5, atol=1e-5)

    def test_logarithms_of_any_number(self):
        x = torch.cat([torch.logspace(-37, 37, 500), -torch.logspace(-45, -37, 50), torch.zeros(3)])
        assert torch.allclose(Weight(x).log.double(), x.double().abs().log(), rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_what_is_no_number_stays_so(self, bad):
        """As torch does it, wherever it stands; a maximum does not drop it."""
        fine, broken = torch.randn(4, 70), torch.randn(4, 70)
        broken[1, 40] = bad
        zero = torch.zeros(4, 70)
        assert torch.equal(Weight(broken).log.isfinite(), broken.isfinite())
        for semiring, parts in ((Abs(), 1), (Entropy(), 2), (Max(), 1)):
            ok, value = (fine, zero)[:parts], (broken, zero)[:parts]
            assert not bool(semiring.plus(ok, value)[0][1, 40].isfinite())
            assert torch.equal(semiring.sum(value, (-1,))[0].isfinite().flatten().int(),
                               torch.tensor([1, 0, 1, 1], dtype=torch.int32))  # fmt: skip
        for semiring, parts in ((Abs(), 1), (Entropy(), 2), (Max(), 1), (SignedMax(), 2)):
            value = (broken, fine if semiring.name == "signed_max" else zero)[:parts]
            rows = semiring.contract(value, Weight(torch.rand(70, 9) + 0.1))[0].isfinite().all(1)
            assert rows.tolist() == [True, False, True, True]
            ok = (fine, fine if semiring.name == "signed_max" else zero)[:parts]
            columns = semiring.contract(ok, Weight(broken.mT.clone()))[0].isfinite().all(0)
            assert columns.tolist() == [True, False, True, True]

    def test_maxima_of_plain_numbers_keep_nan(self):
        p, w = torch.rand(6, 40), torch.randn(40, 50)
        p[2, 7] = w[3, 9] = float("nan")
        for found in (kernels.max_times(p, w), *kernels.signed_max_times(p, -p, w)):
            assert torch.equal(found.isnan().all(1), torch.arange(6) == 2)
            assert torch.equal(found.isnan().all(0), torch.arange(50) == 9)

    @pytest.mark.parametrize("bad", [float("nan"), -float("nan")])
    @pytest.mark.parametrize("at", [(0, 0, 0), (2, 4, 12), (4, 0, 1), (4, 4, 12)])
    def test_a_maximum_finds_nan_in_any_matrix_of_a_batch(self, bad, at):
        """Operands of 13 terms end between two vectors."""
        clean, p = torch.rand(5, 5, 13), torch.rand(5, 5, 13)
        p[at] = bad
        w = torch.randn(5, 13, 33)
        row = torch.zeros(5, 5, dtype=torch.bool)
        row[at[:2]] = True
        for found in (
            kernels.max_times(p, w),
            *kernels.signed_max_times(p, -clean, w),
            *kernels.signed_max_times(clean, -p, w),
        ):
            assert torch.equal(found.isnan().any(2), row)


@pytest.mark.skipif(not kernels.accelerated(), reason="the C library is not built here")
class TestThreads:
    def test_number_of_threads_changes_nothing(self):
        p, q, w = operands((70, 300, 500))
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(1)
            alone = [*measured(p[0], q[0], w[0]), *in_logs(p, q, w)]
            for threads in (2, 3):
                torch.set_num_threads(threads)
                shared = [*measured(p[0], q[0], w[0]), *in_logs(p, q, w)]
                assert all(torch.equal(a, b) for a, b in zip(alone, shared, strict=True))
        finally:
            torch.set_num_threads(before)

    def test_many_callers_at_once(self):
        p, q, w = operands((40, 200, 300))
        alone = [*measured(p, q, w), *in_logs(p, q, w)]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda _: [*measured(p, q, w), *in_logs(p, q, w)], range(16)))
        assert all(torch.equal(a, b) for found in together for a, b in zip(alone, found, strict=True))


def test_the_environment_chooses_torch():
    code = "from semiring_widgets.core import kernels; raise SystemExit(kernels.accelerated())"
    environment = {**os.environ, "SEMIRING_WIDGETS_KERNELS": "torch"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_no_path_stays_no_path():
    none = torch.full((3, 4), float("-inf"))
    for semiring in (Abs(), Max()):
        assert bool((semiring.contract((none,), Weight(torch.randn(4, 5)))[0] == float("-inf")).all())


def test_signs_multiply():
    two, three = torch.tensor([[2.0]]).log(), torch.tensor([[-3.0]])
    none = torch.full((1, 1), float("-inf"))
    positive, negative = SignedMax().contract((none, two), Weight(three))
    assert float(positive.exp()) == pytest.approx(6)
    assert float(negative) == float("-inf")


@pytest.mark.parametrize(("change", "words"), [
    ({"library_name": lambda: "nothing.so"}, "are not built"),
    ({"library_name": lambda: "c_library.py"}, "were built for another version or machine"),
    ({"_ABI": -1}, "were built for another version or machine"),
])  # fmt: skip
def test_torch_in_its_place_is_said(change, words, monkeypatch):
    """A library whose structures are other ones would write where it should not."""
    if "_ABI" in change and not kernels.accelerated():
        pytest.skip("the C library is not built here")
    monkeypatch.delenv("SEMIRING_WIDGETS_KERNELS", raising=False)
    for name, value in change.items():
        monkeypatch.setattr(c_library, name, value)
    with pytest.warns(PerformanceWarning, match=rf"The C kernels {words}.*several times as long"):
        assert c_library.library.__wrapped__() is None


@pytest.mark.parametrize(
    ("source", "before", "after", "usable"),
    [
        ("vector_math.h", "", "", True),
        ("vector_math.h", f"#define ABI {c_library._ABI}", "#define ABI 0", False),
        ("contractions.c", "    float least[2];", "    float least[4];", False),
        ("contractions.c", "semiring_signed(", "semiring_both(", False),
    ],
    ids=["same", "other version", "other structure", "other function"],
)
def test_a_library_of_other_sources_is_not_used(source, before, after, usable, tmp_path, monkeypatch):
    """What an update of the sources leaves behind where nobody builds the library again."""
    for path in Path(c_library.__file__).parent.glob("*.[ch]"):
        shutil.copy(path, tmp_path)
    # Code for one kind of processor, and not its best one, is enough.
    for name, old, new in ((source, before, after), ("vector_math.h", "defined(__x86_64__)", "0")):
        text = (tmp_path / name).read_text()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new, 1))
    monkeypatch.setattr(build, "_HERE", tmp_path)
    monkeypatch.setattr(build, "_FLAGS", tuple(flag for flag in build._FLAGS if flag != "-O3"))
    library = build.build(tmp_path)
    if library is None:
        pytest.skip("there is no C compiler here")
    assert (c_library._loaded(library) is not None) is usable


def test_torch_that_was_asked_for_is_not_said(monkeypatch):
    monkeypatch.setenv("SEMIRING_WIDGETS_KERNELS", "torch")
    assert c_library.library.__wrapped__() is None
