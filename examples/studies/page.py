"""The page *Evidence*: claims with verdicts and tables, as Markdown and as one HTML file."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from examples.studies.study import Claim, Report, Study, Table, Verdict

TITLE = "Evidence"
INTRODUCTION = (
    "Here claims are held against measurements: what the paper behind the instrument said, what others say, "
    "and what the instrument is meant to do. ✓ and ✗ say whether a claim holds in what was run here. "
    "The tables are printed whatever they say. Square brackets hold 95 % bootstrap intervals, n counts "
    "independent observations (texts, models or runs). Each study opens with its claims and the tables that "
    "matter most; the long ones are folded away below them. `make reproduce` makes everything again; the "
    "rows behind the tables lie beside this page as CSV files."
)
DETAILS = "What was published, and what was run, claim by claim"
_MARKS: dict[Verdict, str] = {
    "agrees": "✓ agrees",
    "disagrees": "✗ disagrees",
    "cannot be tested here": "– cannot be tested here",
}
_CLAIM_COLUMNS = ["claim", "published", "what was run", "came out as", "verdict"]
_BACKGROUND, _FOUND = _CLAIM_COLUMNS[:3], [_CLAIM_COLUMNS[0], *_CLAIM_COLUMNS[3:]]


@dataclass(frozen=True)
class Section:
    """A study on the page.

    Attributes:
        study: what was asked.
        report: what was found.
        made: how it was made (cells, time, what failed).
    """

    study: Study
    report: Report
    made: str


def write_page(sections: Sequence[Section], out: Path) -> None:
    """Write `README.md` and `index.html`; both say the same."""
    (out / "README.md").write_text(markdown(sections), encoding="utf-8")
    (out / "index.html").write_text(web_page(sections), encoding="utf-8")


def markdown(sections: Sequence[Section]) -> str:
    """The page as GitHub shows it."""
    links = [f"[{each.study.title}](#{_anchor(each.study.title)})" for each in sections]
    parts = [f"# {TITLE}", INTRODUCTION, " · ".join(links), _markdown_table(_summary(sections))]
    for section in sections:
        study = section.study
        parts += [f"## {study.title}", *filter(None, (f"*{study.question}*", study.terms)), section.made]
        claims = section.report.claims
        if claims:
            parts += [_markdown_table(claims_frame(claims)[_FOUND])]
            parts += _markdown_folded(DETAILS, [_markdown_table(claims_frame(claims)[_BACKGROUND])])
        for table in _ordered(section.report.tables):
            body = [table.note, _markdown_table(table.frame)]
            parts += [f"### {table.title}", *body] if table.first else _markdown_folded(table.title, body)
    return "\n\n".join(parts) + "\n"


def web_page(sections: Sequence[Section]) -> str:
    """The page as one file, which needs no network."""
    parts = [f"<h1>{TITLE}</h1>", _paragraph(INTRODUCTION), _html_table(_summary(sections))]
    for section in sections:
        study = section.study
        parts += [
            f'<section id="{_anchor(study.title)}"><h2>{html.escape(study.title)}</h2>',
            _paragraph(study.question, "question"),
            *([_paragraph(study.terms)] if study.terms else []),
            _paragraph(section.made, "made"),
        ]
        claims = section.report.claims
        if claims:
            parts += [_html_table(claims_frame(claims)[_FOUND])]
            parts += _html_folded(DETAILS, [_html_table(claims_frame(claims)[_BACKGROUND])])
        for table in _ordered(section.report.tables):
            body = [_paragraph(table.note), _html_table(table.frame)]
            title = html.escape(table.title)
            parts += [f"<h3>{title}</h3>", *body] if table.first else _html_folded(title, body)
        parts.append("</section>")
    links = "".join(
        f'<a href="#{_anchor(each.study.title)}">{html.escape(each.study.title)}</a>' for each in sections
    )
    template = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    return template.substitute(title=TITLE, links=links, body="\n".join(parts))


def claims_frame(claims: Iterable[Claim]) -> pd.DataFrame:
    """Claims with all that is known of them, one a row."""
    rows = [
        (each.what, each.published or "–", each.ran, each.figure, _MARKS[each.verdict]) for each in claims
    ]
    return pd.DataFrame(rows, columns=_CLAIM_COLUMNS)


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with every value as text, as the page prints it."""
    return frame.map(_text).rename(columns=str)


def _summary(sections: Sequence[Section]) -> pd.DataFrame:
    rows = []
    for section in sections:
        verdicts = [claim.verdict for claim in section.report.claims]
        rows.append([section.study.title, *(verdicts.count(verdict) for verdict in _MARKS)])
    return pd.DataFrame(rows, columns=["study", *_MARKS])


def _ordered(tables: Sequence[Table]) -> list[Table]:
    """Open ones before those that are folded away."""
    return sorted(tables, key=lambda table: not table.first)


def _anchor(title: str) -> str:
    """How GitHub names a heading in an address."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _markdown_folded(title: str, body: list[str]) -> list[str]:
    # GitHub reads Markdown within HTML only after an empty line.
    return [f"<details><summary>{html.escape(title, quote=False)}</summary>", *body, "</details>"]


def _html_folded(title: str, body: list[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", *body, "</details>"]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.3g}"
    return str(value)


def _markdown_table(frame: pd.DataFrame) -> str:
    told = shown(frame)
    rows = [list(told.columns), ["---"] * len(told.columns), *told.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(_one_line(cell) for cell in row) + " |" for row in rows)


def _one_line(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _html_table(frame: pd.DataFrame) -> str:
    told = shown(frame)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in told.columns)
    rows = "".join(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in told.to_numpy().tolist())
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"


def _html_cell(text: str) -> str:
    """Numbers stand under each other; a verdict has its colour."""
    verdict = next((name.split()[0] for name, mark in _MARKS.items() if mark == text), "")
    kind = verdict or ("number" if text[:1] in "0123456789-−–" and len(text) < 24 else "")
    return f'<td class="{kind}">{html.escape(text)}</td>' if kind else f"<td>{html.escape(text)}</td>"


def _paragraph(text: str, kind: str = "") -> str:
    """A paragraph; what stands between backquotes is code."""
    pieces = html.escape(text).split("`")
    told = "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))
    return f'<p class="{kind}">{told}</p>' if kind else f"<p>{told}</p>"
