"""The CUDA kernels on a CPU: compiled as C++ with a shim, each thread of a block a thread of the system."""

import ctypes
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from semiring_widgets.core.kernels import cuda_contractions

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
    """As `cuda_driver.Kernel`; ``code`` is the path of a library."""

    def __init__(self, code, name, device, threads):
        self.library, self.threads = ctypes.CDLL(code), threads

    def start(self, blocks, argument):
        self.library.run(blocks, self.threads, ctypes.byref(argument))


def library(folder, name, options):
    """Compile one variant; the path of its library."""
    place = Path(folder) / f"{abs(hash((name, options)))}.so"
    if not place.exists():
        shim = f'#include "{HERE / "cuda_shim.hpp"}"'
        text = f"{shim}\n{cuda_contractions.source(name)}\n#define KERNEL {name}\n{RUN}"
        file = place.with_suffix(".cpp")
        file.write_text(text)
        command = [compiler(), "-std=c++20", "-O1", "-w", "-shared", "-fPIC", "-pthread", "-ffp-contract=off"]
        macros = [option for option in options if option.startswith("-D")]
        subprocess.run([*command, *macros, file, "-o", place], check=True, env={**os.environ, "LC_ALL": "C"})
    return str(place)


def emulate(monkeypatch, folder):
    """CUDA contractions take CPU tensors, on a GPU of four processors."""

    def kernel(name, options, threads, device):
        return EmulatedKernel(library(folder, name, options), name, device, threads)

    monkeypatch.setattr(cuda_contractions, "_kernel", kernel)
    monkeypatch.setattr(cuda_contractions, "_processors", lambda device: 4)
    monkeypatch.setattr(
        cuda_contractions, "fill_with_zeros", lambda at, count, device: ctypes.memset(at, 0, 4 * count)
    )
    cuda_contractions._plan.cache_clear()
