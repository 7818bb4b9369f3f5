"""Which of PyTorch's operators and modules are covered: writes the page ``COVERAGE.md`` beside this file.

python -m tests.core.coverage           asks every sample of both databases and writes the page
python -m tests.core.coverage --check   only says whether the page is as it would be written
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import torch

from tests.core.databases import MISTAKEN, REFUSED, SAME, Finding, Sample, find, left_out, modules, operators

PAGE = Path(__file__).with_name("COVERAGE.md")

_PREFACE = """\
# Coverage of PyTorch's operators and modules

Written by `python -m tests.core.coverage` with PyTorch {version}; tests fail where it is not true.

PyTorch tests itself with samples of its operators (`op_db`) and modules (`module_db`). Each sample is
recorded in float64 (or complex128), its outputs are weighed by random numbers and added up, and `backprop`
with the sum-product is compared with `torch.autograd`, once for inputs that require gradients and once for
inputs that do not: every derivative has to agree to 1e-6 of its size and 1e-8 (where a sample holds float32,
to 1e-5 of the largest; half precision, 1e-2), and the recording has to compute the same outputs. An entry
counts as equal if all of its samples are; what is not equal has to be refused with a sentence, or right as
differences of the outputs say. Samples that PyTorch asks for no gradient, as with `padding_idx`, are asked
too, where there are more of them. Modules are in evaluation mode.
"""
_EQUAL = "Equal on all samples:"


def parts() -> dict[str, dict[str, Callable[[], list[Sample]]]]:
    """What makes the samples of every entry, by part of the page and name."""
    return {
        "Operators": operators(),
        "Operators on complex numbers": operators(torch.complex128),
        "Modules": modules(),
    }


def line(name: str, finding: Finding) -> str:
    """The page's line on an entry that is not equal throughout."""
    said = "autograd has no answer to any sample" if finding.verdict is None else finding.sentence
    return f"- `{name}`: {said}"


def equal_on(page: str, part: str) -> list[str]:
    """The names that a part of a page calls equal."""
    return re.findall(r"`([^`]+)`", _section(page, part).split(_EQUAL)[1].split("\n\n")[0])


def others_on(page: str, part: str) -> list[str]:
    """The lines of a part on entries that are not equal."""
    return [text for text in _section(page, part).splitlines() if text.startswith("- ")]


def _section(page: str, part: str) -> str:
    (found,) = re.findall(rf"^## {part}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return str(found)


def written(found: dict[str, dict[str, Finding]]) -> str:
    """The whole page.

    Args:
        found: what all samples gave, by part and name.
    """
    text = _PREFACE.format(version=torch.__version__.split("+")[0])
    for part, findings in found.items():
        answered = [name for name, finding in findings.items() if finding.verdict is not None]
        equal = [name for name in answered if findings[name].verdict == SAME]
        text += (
            f"\n## {part}\n\n{len(equal)} of {len(answered)} are equal ({len(equal) / len(answered):.1%}).\n"
        )
        if others := [line(name, finding) for name, finding in findings.items() if name not in equal]:
            text += "\n" + "\n".join(others) + "\n"
        text += "\n" + _names(_EQUAL, equal)
    constant, elsewhere = left_out()
    text += "\n## Left out\n\n" + _names("Not differentiable for autograd:", constant)
    return text + "\n" + _names("Not differentiable for autograd on a CPU in float64:", elsewhere)


def _names(title: str, names: list[str]) -> str:
    text = f"{title} {', '.join(f'`{name}`' for name in names)}."
    return textwrap.fill(text, 116, break_on_hyphens=False) + "\n"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if the page is old")
    check = parser.parse_args().check
    found = {part: {name: find(make) for name, make in entries.items()} for part, entries in parts().items()}
    for part, findings in found.items():
        judgements = [j for finding in findings.values() for j in finding.judgements]
        worst = max(j.error for j in judgements if j.verdict == SAME)
        print(f"{part}: {len(judgements)} samples; the largest error of an equal one is {worst:.2g}")
    broken = {
        name: finding.sentence
        for findings in found.values()
        for name, finding in findings.items()
        if finding.verdict not in (None, SAME, REFUSED, MISTAKEN)
    }
    for name, sentence in broken.items():
        print(f"{name}: {sentence}")
    text = written(found)
    if not check:
        PAGE.write_text(text)
    elif text != PAGE.read_text():
        print(f"{PAGE.name} is old; write it anew with `python -m tests.core.coverage`")
        return 1
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
