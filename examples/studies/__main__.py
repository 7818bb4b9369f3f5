"""Runs studies and writes the page *Evidence*: `python -m examples.studies [names...]`."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import pandas as pd

import examples.studies
from examples.studies.page import Section, write_page
from examples.studies.places import EVIDENCE
from examples.studies.running import Outcome, run_studies
from examples.studies.study import Study

SHORT_OUT = Path("build") / "evidence-short"


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 where a cell failed."""
    known = all_studies()
    options = argparse.ArgumentParser(prog="python -m examples.studies", description=__doc__)
    options.add_argument(
        "names", nargs="*", metavar="name", help=f"some of {', '.join(known)}; all by default"
    )
    options.add_argument("--short", action="store_true", help="fewer cells, as in the notebooks")
    options.add_argument("--jobs", type=int, default=2, help="processes at once, one core and 1 to 2 GB each")
    options.add_argument("--out", type=Path, help=f"{EVIDENCE}, or {SHORT_OUT} for the short form")
    options.add_argument("--page", action="store_true", help="run nothing, write the page of what is kept")
    chosen = options.parse_args(arguments)
    if unknown := set(chosen.names) - known.keys():
        options.error(f"no study is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    out = chosen.out or (SHORT_OUT if chosen.short else EVIDENCE)
    out.mkdir(parents=True, exist_ok=True)
    failed: dict[str, str] = {}
    if not chosen.page:
        studies = [known[name] for name in chosen.names or known]
        try:
            outcomes = run_studies(studies, out, short=chosen.short, jobs=chosen.jobs, tell=_tell)
        except KeyboardInterrupt:
            print("Stopped. What is finished is kept; the same command goes on from here.")
            return 130
        for name, outcome in outcomes.items():
            keep(name, outcome, out)
            failed |= {f"{name} {key}": problem for key, problem in outcome.failed.items()}
    write_page(sections(known, out), out)
    for key, problem in failed.items():
        print(f"Failed: {key}: {problem}", file=sys.stderr)
    print(out / "index.html")
    return 1 if failed else 0


def all_studies() -> dict[str, Study]:
    """Every sub-package that offers a `STUDY`, by name."""
    packages = [found.name for found in pkgutil.iter_modules(examples.studies.__path__) if found.ispkg]
    modules = [importlib.import_module(f"examples.studies.{name}") for name in packages]
    return {module.STUDY.name: module.STUDY for module in modules if hasattr(module, "STUDY")}


def keep(name: str, outcome: Outcome, out: Path) -> None:
    """Write the rows of a study and how they were made."""
    outcome.rows.to_csv(out / f"{name}.csv", index=False, float_format="%.6g")
    facts = {"cells": outcome.cells, "seconds": round(outcome.seconds), "failed": outcome.failed}
    (out / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def sections(studies: dict[str, Study], out: Path) -> list[Section]:
    """All studies whose rows are kept in the folder, those of earlier runs too."""
    found = []
    for name, study in studies.items():
        if not (out / f"{name}.csv").exists():
            continue
        facts = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        made = f"{facts['cells']} cells, {facts['seconds'] / 60:.1f} minutes of one core."
        if facts["failed"]:
            made += f" Without what failed: {', '.join(facts['failed'])}."
        rows = pd.read_csv(out / f"{name}.csv")
        found.append(Section(study, study.report(rows), made))
    return found


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
