"""Compiling CUDA kernels: with NVRTC where it is installed, its cache on disk, what is compiled ahead."""

import ctypes
import importlib.util
import os
import threading
from pathlib import Path

import pytest
import torch

from semiring_widgets.core.kernels import cuda_compiler, cuda_contractions, cuda_driver, cuda_variants
from semiring_widgets.core.kernels.cuda_compiler import CudaError, is_kept, machine_code
from semiring_widgets.core.kernels.cuda_tables import TILES
from semiring_widgets.core.kernels.cuda_variants import Variant

OPTIONS = ("--gpu-architecture=sm_90", "--std=c++17")
VARIANT = Variant(signed=False, dtype=torch.float32, tile=TILES[False][-1], vectors=True, w_along_terms=False)


@pytest.fixture
def compiled(monkeypatch, tmp_path):
    """A compiler that needs nothing; what it was asked for."""
    asked = []

    def compile_(found, source, options):
        asked.append((source, tuple(options)))
        return f"code {len(asked)}".encode()

    monkeypatch.setattr(cuda_compiler, "compiler", object)
    monkeypatch.setattr(cuda_compiler, "_version", lambda found: (13, 0))
    monkeypatch.setattr(cuda_compiler, "_compiled", compile_)
    monkeypatch.setenv("SEMIRING_WIDGETS_CACHE", str(tmp_path / "kept"))
    return asked


class TestDisk:
    def test_a_kernel_is_compiled_once(self, compiled, tmp_path):
        assert not is_kept("a", OPTIONS)
        assert [machine_code("a", OPTIONS) for _ in range(3)] == [b"code 1"] * 3
        assert is_kept("a", OPTIONS)
        assert len(compiled) == 1
        assert [path.suffix for path in (tmp_path / "kept").iterdir()] == [".cubin"]

    def test_everything_it_depends_on_is_in_its_name(self, compiled, monkeypatch):
        machine_code("a", OPTIONS)
        machine_code("b", OPTIONS)
        machine_code("a", (*OPTIONS, "-DX=1"))
        monkeypatch.setattr(cuda_compiler, "_version", lambda found: (13, 1))
        machine_code("a", OPTIONS)
        assert len(compiled) == 4

    def test_where_nothing_can_be_written_it_compiles_again(self, compiled, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("no folder")
        monkeypatch.setenv("SEMIRING_WIDGETS_CACHE", str(tmp_path / "file" / "below"))
        assert machine_code("a", OPTIONS) == b"code 1"
        assert machine_code("a", OPTIONS) == b"code 2"

    def test_a_file_is_whole_or_not_there(self, compiled, monkeypatch, tmp_path):
        def full(self, target):
            raise OSError("No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        assert machine_code("a", OPTIONS) == b"code 1"
        assert list((tmp_path / "kept").iterdir()) == []

    def test_the_folder_of_the_user(self, compiled, monkeypatch, tmp_path):
        monkeypatch.delenv("SEMIRING_WIDGETS_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
        machine_code("a", OPTIONS)
        assert len(list((tmp_path / "semiring_widgets").iterdir())) == 1

    def test_a_user_without_a_home(self, compiled, monkeypatch):
        def no_home():
            raise RuntimeError("Could not determine home directory.")

        for name in ("SEMIRING_WIDGETS_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(Path, "home", no_home)
        assert machine_code("a", OPTIONS) == b"code 1"


def test_without_a_compiler(monkeypatch):
    monkeypatch.setattr(cuda_compiler, "compiler", lambda: None)
    assert not is_kept("a", OPTIONS)
    with pytest.raises(CudaError, match="NVRTC"):
        machine_code("a", OPTIONS)


class TestVariants:
    @pytest.fixture(autouse=True)
    def _forgotten(self, monkeypatch):
        for name, empty in (("_codes", {}), ("_kernels", {}), ("_ahead", set())):
            monkeypatch.setattr(cuda_variants, name, empty)

    @pytest.fixture
    def loaded(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
        monkeypatch.setattr(cuda_variants, "Kernel", lambda code, name, device, threads: (code, name, device))
        monkeypatch.setattr(os, "cpu_count", lambda: 3)

        def load(variant, device=0):
            try:
                return cuda_variants.loaded(variant, device)
            finally:
                for thread in threading.enumerate():
                    if thread.name == "compile CUDA kernels":
                        thread.join()

        return load

    def test_neighbours_are_compiled_ahead(self, compiled, loaded):
        code, name, device = loaded(VARIANT)
        assert code.startswith(b"code")
        assert (name, device) == ("tiles", 0)
        assert len(compiled) == len(set(compiled)) == len(cuda_variants.neighbours(VARIANT)) == 28
        for other in cuda_variants.neighbours(VARIANT):
            loaded(other)
        assert len(compiled) == 28

    def test_nothing_is_compiled_ahead_of_what_is_kept(self, compiled, loaded):
        machine_code(cuda_variants.source("tiles"), VARIANT.options((9, 0)))
        loaded(VARIANT)
        assert len(compiled) == 1

    def test_a_kernel_is_loaded_once_for_each_device(self, compiled, loaded):
        assert loaded(VARIANT) is loaded(VARIANT)
        assert loaded(VARIANT, 1)[2] == 1

    def test_a_damaged_file_is_replaced(self, compiled, loaded, monkeypatch):
        text, options = cuda_variants.source("tiles"), VARIANT.options((9, 0))
        machine_code(text, options)
        place = cuda_compiler._place(text, options, (13, 0))
        place.write_bytes(b"damaged")

        def kernel(code, name, device, threads):
            if code == b"damaged":
                raise CudaError("error 200: invalid kernel image")
            return code

        monkeypatch.setattr(cuda_variants, "Kernel", kernel)
        assert loaded(VARIANT) == place.read_bytes() == b"code 2"

    def test_a_failure_is_everybodys(self, loaded, compiled, monkeypatch):
        def fail(found, source, options):
            raise CudaError("unsupported gpu architecture")

        monkeypatch.setattr(cuda_compiler, "_compiled", fail)
        for _ in range(2):
            with pytest.raises(CudaError, match="unsupported"):
                loaded(VARIANT)

    def test_the_likeliest_come_first(self):
        first = cuda_variants.neighbours(VARIANT)[:8]
        assert all(other.vectors and not other.signed for other in first)
        assert len(set(cuda_variants.neighbours(VARIANT))) == 28

    def test_options(self):
        assert VARIANT.options((8, 6))[0] == "--gpu-architecture=sm_86"
        assert "-DROWS=16" in VARIANT.options((9, 0))
        single = Variant(signed=True, dtype=torch.float16, tile=None, vectors=False, w_along_terms=True)
        assert single.name == "rows"
        assert single.options((9, 0))[2:] == ("-DSIGNED=1", "-DWEIGHT=2", "-DVECTORS=0", "-DW_ALONG_TERMS=1")


class TestDriver:
    """A driver that only notes what it is asked for."""

    @pytest.fixture
    def calls(self, monkeypatch):
        calls = []

        class Driver:
            current = 7

            def __getattr__(self, name):
                def call(*arguments):
                    calls.append((name, arguments))
                    if name == "cuCtxGetCurrent":
                        arguments[0]._obj.value = self.current
                    return 0

                return call

        driver = Driver()
        monkeypatch.setattr(cuda_driver, "_of_device", lambda device: (driver, 7))
        monkeypatch.setattr(cuda_driver, "_stream", lambda device: 99)
        monkeypatch.setattr(Driver, "current", 7)
        self.driver = driver
        return calls

    def test_a_launch(self, calls):
        kernel = cuda_driver.Kernel(b"code", "tiles", 0, 64)
        del calls[:]
        work = cuda_contractions.Work(rows=5)
        kernel.start(12, work)
        assert [name for name, _ in calls] == ["cuCtxGetCurrent", "cuLaunchKernel"]
        arguments = calls[-1][1]
        assert arguments[1:9] == (12, 1, 1, 64, 1, 1, 0, 99)

    def test_another_context_is_set_for_the_call(self, calls):
        type(self.driver).current = 8
        cuda_driver.fill_with_zeros(1234, 10, 0)
        assert [name for name, _ in calls] == [
            "cuCtxGetCurrent", "cuCtxPushCurrent_v2", "cuMemsetD32Async", "cuCtxPopCurrent_v2",
        ]  # fmt: skip
        assert calls[2][1] == (1234, 0, 10, 99)

    def test_errors_have_a_number(self, monkeypatch):
        monkeypatch.setattr(cuda_driver, "driver", lambda: None)
        with pytest.raises(CudaError, match="error 209"):
            cuda_driver._check(209)

    def test_without_a_driver(self, monkeypatch):
        monkeypatch.setattr(cuda_driver, "driver", lambda: None)
        with pytest.raises(CudaError, match="was not found"):
            cuda_driver._of_device.__wrapped__(0)


def test_the_argument_is_packed_as_in_c():
    """Five addresses, two times three strides, two lines, seven sizes; filled up to a multiple of eight."""
    assert ctypes.sizeof(cuda_contractions.Work) == 5 * 8 + 6 * 8 + 2 * 8 + 7 * 4 + 4
    text = cuda_variants.source("tiles")
    inside = text[text.index("struct Work {") : text.index("};", text.index("struct Work {"))]
    places = [
        inside.index(f" {stem}") for stem in ("*p,", "*w;", "*first,", "p_batch", "p_line", "batch_1", "rows")
    ]
    assert places == sorted(places)


@pytest.fixture(scope="module")
def nvrtc():
    """As it comes with CUDA builds of torch, or with `pip install nvidia-cuda-nvrtc`."""
    spec = importlib.util.find_spec("nvidia")
    folders = [Path(folder) for folder in spec.submodule_search_locations] if spec else []
    files = sorted(
        file for folder in folders for file in folder.glob("*/lib/libnvrtc.so.*") if ".alt." not in file.name
    )
    if not files:
        pytest.skip("NVRTC is not installed here, so no CUDA kernel was compiled.")
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(torch.version, "cuda", f"{files[-1].suffix[1:]}.0")
    cuda_compiler.compiler.cache_clear()
    yield cuda_compiler.compiler()
    monkeypatch.undo()
    cuda_compiler.compiler.cache_clear()


@pytest.mark.parametrize("capability", [(8, 0), (9, 0)])
@pytest.mark.parametrize("variant", cuda_variants.neighbours(VARIANT)[::5], ids=str)
def test_kernels_compile(variant, capability, nvrtc):
    code = cuda_compiler._compiled(nvrtc, cuda_variants.source(variant.name), variant.options(capability))
    assert code.startswith(b"\x7fELF")


def test_the_log_of_the_compiler_is_passed_on(nvrtc):
    with pytest.raises(CudaError, match="expected a"):
        cuda_compiler._compiled(nvrtc, "int f( {", OPTIONS)
