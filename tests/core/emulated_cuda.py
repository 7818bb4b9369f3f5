"""The CUDA kernels on a CPU: compiled as C++ with a shim, each thread of a block a thread of the system."""

import ctypes
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from semiring_widgets.core.kernels import cuda_contractions
from semiring_widgets.core.kernels.cuda_variants import source

HERE = Path(__file__).parent
RUN = """
extern "C" void run(int blocks, int threads, const Work *work) {
    std::barrier<> barrier(threads);
    all_threads = &barrier;
    for (int block = 0; block < blocks; block++) {
        std::vector<std::thread> team;
        for (int thread = 0; thread < threads; thread++)
            team.emplace_back([=] {
                threadIdx.x = thread;
                blockIdx.x = block;
                KERNEL(*work);
            });
        for (auto &member : team) member.join();
    }
}
"""


@cache
def compiler():
    """A C++ compiler, or None."""
    return next((found for name in ("g++", "clang++", "c++") if (found := shutil.which(name))), None)


class EmulatedKernel:
    """As `cuda_driver.Kernel`."""

    def __init__(self, place, threads):
        self.library, self.threads = ctypes.CDLL(str(place)), threads

    def start(self, blocks, argument):
        self.library.run(blocks, self.threads, ctypes.byref(argument))


def library(folder, variant):
    """Compile one variant; the path of its library."""
    options = [option for option in variant.options((8, 0)) if option.startswith("-D")]
    place = Path(folder) / f"{variant.name}{'_'.join(options)}.so"
    if not place.exists():
        shim = f'#include "{HERE / "cuda_shim.hpp"}"'
        file = place.with_suffix(".cpp")
        file.write_text(f"{shim}\n{source(variant.name)}\n#define KERNEL {variant.name}\n{RUN}")
        command = [compiler(), "-std=c++20", "-O0", "-w", "-shared", "-fPIC", "-pthread", "-ffp-contract=off"]
        subprocess.run([*command, *options, file, "-o", place], check=True, env={**os.environ, "LC_ALL": "C"})
    return place


def emulate(monkeypatch, folder):
    """CUDA contractions take CPU tensors, on a GPU of four processors; the variants they asked for."""
    asked = {}

    def loaded(variant, device):
        if variant not in asked:
            asked[variant] = EmulatedKernel(library(folder, variant), variant.threads)
        return asked[variant]

    def fill(pointer, count, device):
        ctypes.memset(pointer, 0, 4 * count)

    monkeypatch.setattr(cuda_contractions, "loaded", loaded)
    monkeypatch.setattr(cuda_contractions, "_processors", lambda device: 4)
    monkeypatch.setattr(cuda_contractions, "fill_with_zeros", fill)
    cuda_contractions._plan.cache_clear()
    return asked
