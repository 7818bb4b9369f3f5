"""The kernels between contractions give what torch gives; run as C++, and compiled by NVRTC where it is."""

import ctypes
import math
import subprocess
from types import SimpleNamespace

import pytest
import torch

from semiring_widgets.core import kernels
from semiring_widgets.core.kernels import cuda_compiler, cuda_logs
from semiring_widgets.core.semirings import Abs, Entropy, Max, Norm, Number, Weight
from tests.core.emulated_cuda import HERE, compiler

NONE = -math.inf
ALGEBRAS = {"max": Max(), "mass": Abs(), "expectation": Entropy()}
THREADS = 4
VARIANTS = [
    *((task, name) for task in cuda_logs.TASKS for name in ALGEBRAS if task not in ("join", "magnitude")),
    ("join", "expectation"),
    ("magnitude", "max"),
]
pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """All variants in one library, each in a namespace of its own."""
    parts = [f'#include "{HERE / "cuda_shim.hpp"}"']
    for number, (task, name) in enumerate(VARIANTS):
        macros = dict(option.removeprefix("-D").split("=") for option in cuda_logs.macros(task, name))
        macros |= {"THREADS": THREADS, "logs": f"logs_{number}"}
        parts.append(f"namespace variant_{number} {{")
        parts += [f"#undef {key}\n#define {key} {text}" for key, text in macros.items()]
        parts += [cuda_logs.source(), RUN.replace("NUMBER", str(number)), "}"]
    file = tmp_path_factory.mktemp("cuda") / "logs.cpp"
    file.write_text("\n".join(parts))
    place = file.with_suffix(".so")
    command = [compiler(), "-std=c++20", "-O0", "-w", "-shared", "-fPIC", "-pthread", file, "-o", place]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(place))


RUN = """
extern "C" void run_NUMBER(int blocks, const Rows *rows) {
    std::barrier<> barrier(THREADS);
    all_threads = &barrier;
    std::vector<std::thread> team;
    for (int thread = 0; thread < THREADS; thread++)
        team.emplace_back([&, thread] {
            threadIdx.x = thread;
            for (int block = 0; block < blocks; block++) {
                blockIdx.x = block;
                logs(*rows);
                all_threads->arrive_and_wait();
            }
        });
    for (auto &member : team) member.join();
}
"""


@pytest.fixture
def emulated(library, monkeypatch):
    """The kernels take CPU tensors; gives the names of those that were started."""
    started = []

    def kernel(task, name, device):
        def start(blocks, argument):
            started.append((task, name))
            getattr(library, f"run_{VARIANTS.index((task, name))}")(blocks, ctypes.byref(argument))

        return SimpleNamespace(start=start)

    monkeypatch.setattr(cuda_logs, "_kernel", kernel)
    monkeypatch.setattr(cuda_logs, "_THREADS", THREADS)
    monkeypatch.setattr(kernels.c_library, "library", lambda: None)
    monkeypatch.setattr(cuda_logs, "fits", lambda *tensors: tensors[0].dtype == torch.float32)
    return started


def values(name, *shape, seed=0):
    """Logarithms with some rows and entries without a path, and entropies of some where there is one."""
    made = torch.Generator().manual_seed(seed)
    log = torch.randn(shape, generator=made) * 20
    log[torch.rand(shape, generator=made) < 0.2] = NONE
    log[0] = NONE
    entropy = torch.rand(shape, generator=made) * 3
    return (log, torch.where(log > NONE, entropy, 0.0)) if name == "expectation" else (log,)


def plain(act):
    """What torch gives, in float64."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda_logs, "fits", lambda *tensors: False)
        return act()


def wide(value):
    return tuple(part.double() for part in value)


def same(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("name", ALGEBRAS)
@pytest.mark.parametrize("inner", [1, 3, 9])
class TestRows:
    def test_contractions(self, name, inner, emulated):
        value, semiring = values(name, 2, 5, inner), ALGEBRAS[name]
        weight = torch.randn(2, inner, 6)
        weight[:, :, 2] = 0
        found = semiring.contract(value, Weight(weight))
        assert emulated[:2] == [("relative", name), ("restored", name)]
        same(found, plain(lambda: semiring.contract(wide(value), Weight(weight.double()))))

    def test_operands_are_read_as_they_lie(self, name, inner, emulated):
        semiring, weight = ALGEBRAS[name], Weight(torch.randn(2, inner, 3))
        for value in (
            tuple(part.mT for part in values(name, 2, inner, 5)),
            tuple(part.transpose(0, 1) for part in values(name, 5, 2, inner)),
            tuple(part[..., None].expand(2, 4, inner) for part in values(name, 2, 4)),
            tuple(part.permute(2, 0, 1, 3) for part in values(name, 3, 2, 4, inner)),
        ):
            own = weight if value[0].dim() == 3 else Weight(weight.value[0])
            found = semiring.contract(value, own)
            same(found, plain(lambda v=value, w=own: semiring.contract(wide(v), Weight(w.value.double()))))

    def test_the_least_result_of_each_row(self, name, inner, emulated):
        made = torch.rand(3, 4, inner)
        _, least = kernels.restored_logs(
            name, (made, made) if name == "expectation" else (made,), made[..., :1]
        )
        assert torch.equal(least, made.amin(-1, keepdim=True))

    def test_softmax(self, name, inner, emulated):
        value, semiring = values(name, 4, 5, inner), ALGEBRAS[name]
        y = torch.randn(4, 5, inner).masked_fill(torch.rand(4, 5, inner) < 0.3, NONE).softmax(-1).nan_to_num()
        found = semiring.through_softmax(value, Weight(y), (2,))
        assert emulated == [("softmax", name)]
        same(found, plain(lambda: semiring.through_softmax(wide(value), Weight(y.double()), (2,))))

    @pytest.mark.parametrize("centred", [True, False])
    @pytest.mark.parametrize("forward", [True, False])
    def test_norms(self, name, inner, centred, forward, emulated):
        value, semiring = values(name, 4, inner, 2), ALGEBRAS[name]
        y, scale = torch.randn(4, inner, 2), torch.rand(4, 1, 1)
        y[1, 0, 0] = 0

        def norm(dtype):
            share = Number(-1 / (2 * inner), dtype, y.device)
            tensors = Weight(y.to(dtype)), Weight(scale.to(dtype)), share, y.to(dtype)
            return Norm(*tensors, (1, 2), centred)

        found = semiring.through_norm(value, norm(torch.float32), forward=forward)
        assert emulated == [("norm pushed" if forward else "norm pulled", name)]
        wanted = plain(lambda: semiring.through_norm(wide(value), norm(torch.float64), forward=forward))
        same(found, wanted)

    def test_sums(self, name, inner, emulated):
        value, semiring = values(name, 4, inner, 3), ALGEBRAS[name]
        same(semiring.sum(value, (1, 2)), plain(lambda: semiring.sum(wide(value), (1, 2))))
        assert emulated == ([] if name == "max" else [("sum", name)])

    def test_nan_wins(self, name, inner, emulated):
        value, semiring = values(name, 2, inner), ALGEBRAS[name]
        value[0][1, inner - 1] = math.nan
        found = semiring.through_softmax(value, Weight(torch.ones(2, inner)), (1,))
        assert found[0][1].isnan().all()
        assert not found[0][0].isnan().any()


def test_values_are_joined(emulated):
    a, b = values("expectation", 3, 50), values("expectation", 3, 50, seed=1)
    same(Entropy().plus(a, b), plain(lambda: Entropy().plus(wide(a), wide(b))))
    assert emulated == [("join", "expectation")]


def test_magnitudes(emulated):
    x = torch.tensor([1.0, -2.0, 0.0, math.inf, math.nan])
    torch.testing.assert_close(Weight(x).log, x.abs().log(), equal_nan=True)
    assert emulated == [("magnitude", "max")]


def test_what_is_no_row_is_left_to_torch(emulated):
    value, y = values("expectation", 4, 5), torch.rand(4, 5)
    Entropy().through_softmax(value, Weight(y), (0,))
    assert not {("softmax", "expectation"), ("sum", "expectation")} & set(emulated)


@pytest.mark.skipif(cuda_compiler.compiler() is None, reason="needs NVRTC")
@pytest.mark.parametrize(("task", "name"), VARIANTS)
def test_nvrtc_compiles_them(task, name):
    options = ("--gpu-architecture=sm_90", "--std=c++17", *cuda_logs.macros(task, name))
    assert cuda_compiler.machine_code(cuda_logs.source(), options)
