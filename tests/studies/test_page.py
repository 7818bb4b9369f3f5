"""The page says everything that a report says, in Markdown and in HTML, and it can be read."""

import dataclasses
import json
from html.parser import HTMLParser

import pandas as pd
import pytest

from examples.studies import __main__ as command
from examples.studies.page import Section, markdown, web_page
from examples.studies.places import EVIDENCE
from examples.studies.study import Claim, Report, Study, Table

REPORT = Report(
    [
        Claim("Mass tells what matters.", "0.9", "60 sentences", "0.2 [0.1, 0.3], n = 60", "disagrees"),
        Claim("It is <quick>.", "", "one | two runs", "yes", "agrees"),
    ],
    [
        Table(
            "Heads & parts",
            pd.DataFrame({"what": ["mass", "a|b"], "value": [0.123456, float("nan")], "n": [60, 24]}),
            "Higher is better; made by `sw.effects`.",
        ),
        Table("Few & plain", pd.DataFrame({"mark": [1.0]}), "The mark.", first=True),
    ],
)
STUDY = Study("some", "Some study", "Is it so?", lambda short: [], lambda rows: REPORT)


class Cells(HTMLParser):
    """The text of the cells of all tables."""

    def __init__(self):
        super().__init__()
        self.found, self.inside = [], False

    def handle_starttag(self, tag, attrs):
        self.inside = tag in {"td", "th"}
        if self.inside:
            self.found.append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in {"td", "th"}

    def handle_data(self, data):
        if self.inside:
            self.found[-1] += data


def in_html(page):
    parser = Cells()
    parser.feed(page)
    return parser.found


def in_markdown(page):
    rows = [line for line in page.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    cells = [row[2:-2].replace("\\|", "\0").split(" | ") for row in rows]
    return [cell.replace("\0", "|") for row in cells for cell in row]


def test_both_forms_hold_the_same_cells():
    sections = [Section(STUDY, REPORT, "3 cells")]
    found = in_html(web_page(sections))
    assert found == in_markdown(markdown(sections))
    for text in ("It is <quick>.", "one | two runs", "✗ disagrees", "a|b", "0.123", "–", "60"):
        assert text in found


def test_what_matters_comes_first_and_long_tables_are_folded():
    page = markdown([Section(STUDY, REPORT, "")])
    places = [page.index(text) for text in ("✗ disagrees |\n", "### Few & plain", ">Heads &amp; parts<")]
    assert places == sorted(places)
    assert page.rindex("<details>", 0, places[2]) > page.rindex("</details>", 0, places[2])
    web = web_page([Section(STUDY, REPORT, "")])
    assert web.index("<h3>Few &amp; plain") < web.index("<summary>Heads &amp; parts")


def test_links_lead_to_the_studies():
    study = dataclasses.replace(STUDY, title="The paper's claims, again: is it so?")
    sections = [Section(study, REPORT, "")]
    assert "](#the-papers-claims-again-is-it-so)" in markdown(sections)
    web = web_page(sections)
    assert 'href="#the-papers-claims-again-is-it-so"' in web
    assert 'id="the-papers-claims-again-is-it-so"' in web


def test_verdicts_are_counted_first():
    assert in_markdown(markdown([Section(STUDY, REPORT, "")]))[4:8] == ["Some study", "1", "1", "0"]


def test_the_page_needs_no_network():
    page = web_page([Section(STUDY, REPORT, "")])
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert "<code>sw.effects</code>" in page


@pytest.fixture
def only(monkeypatch):
    monkeypatch.setattr(command, "all_studies", lambda: {"some": STUDY})


def test_the_page_holds_what_earlier_runs_kept(only, tmp_path, capsys):
    (tmp_path / "some.csv").write_text("cell,value\na,1\n")
    (tmp_path / "some.json").write_text(json.dumps({"cells": 2, "seconds": 90, "failed": {"b": "why"}}))
    assert command.main(["--page", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "README.md").read_text()
    assert "2 cells, 1.5 minutes of one core. Without what failed: b." in page
    assert str(tmp_path / "index.html") in capsys.readouterr().out


def test_an_unknown_study_is_refused_with_the_known_ones(only, capsys):
    with pytest.raises(SystemExit):
        command.main(["other"])
    assert "no study is called other; there are some" in capsys.readouterr().err


@pytest.fixture(scope="module")
def kept():
    return command.sections(command.all_studies(), EVIDENCE)


def test_the_kept_rows_of_every_study_can_be_read(kept):
    assert [section.study.name for section in kept] == ["circuits", "importance", "paper", "planted"]
    for section in kept:
        claims = section.report.claims
        assert len({claim.what for claim in claims}) == len(claims), "each claim says what it is about"
        assert all(claim.figure and claim.ran for claim in claims)
        assert section.study.terms
        assert all(table.note.endswith(".") and len(table.frame) for table in section.report.tables)


def test_the_page_opens_with_short_tables(kept):
    for section in kept:
        for table in section.report.tables:
            rows, columns = table.frame.shape
            assert not table.first or (rows <= 45 and columns <= 6), table.title
