"""The documentation as it is written: no public name is missing, no page is lost, every word is explained."""

import inspect
import re
from pathlib import Path

import pytest

import semiring_widgets as sw

DOCS = Path(__file__).parents[2] / "examples" / "docs"
PAGES = {
    path.relative_to(DOCS).as_posix(): path
    for path in sorted(DOCS.rglob("*.md"))
    if "_build" not in path.parts
}
REFERENCE = "\n".join(
    path.read_text(encoding="utf-8") for name, path in PAGES.items() if "reference/" in name
)
# What a reference page shows by a directive of Sphinx, by the name that it has there.
DIRECTIVES = re.findall(r"^\.\. auto(\w+):: semiring_widgets\.?([\w.]*)$", REFERENCE, re.MULTILINE)
SHOWN = {name for _, name in DIRECTIVES}
# Modules whose whole `__all__` is shown by one directive.
WHOLE = {name for kind, name in DIRECTIVES if kind == "module"}
FACES = {
    "": sw,
    "attr": sw.attr,
    "rules": sw.rules,
    "semirings": sw.semirings,
    "tasks": sw.tasks,
    "widgets": sw.widgets,
}


def public():
    """All public names, as people write them after `sw.`; of a thing with two names one is enough."""
    found = {}
    for face, module in FACES.items():
        for name in module.__all__:
            thing = getattr(module, name)
            if not inspect.ismodule(thing):
                found.setdefault(id(thing), set()).add(f"{face}.{name}".lstrip("."))
    return sorted(found.values(), key=min)


@pytest.mark.parametrize("names", public(), ids=min)
def test_the_reference_shows(names):
    assert names & SHOWN or {name.rpartition(".")[0] for name in names} & WHOLE


@pytest.mark.parametrize("name", sorted(SHOWN - {""}))
def test_what_the_reference_shows_is_there(name):
    thing = sw
    for part in name.split("."):
        thing = getattr(thing, part)
    assert inspect.getdoc(thing)


def test_every_page_is_in_a_table_of_contents():
    listed = set()
    for path in PAGES.values():
        for block in re.findall(
            r"^```{toctree}\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            entries = [line for line in block.splitlines() if line and not line.startswith(":")]
            listed |= {((path.parent / entry).relative_to(DOCS)).as_posix() + ".md" for entry in entries}
    assert set(PAGES) - listed == {"index.md", "README.md"}
    assert listed <= set(PAGES)


def test_an_idea_has_a_picture_and_a_formula():
    ideas = {
        name: path.read_text(encoding="utf-8") for name, path in PAGES.items() if name.startswith("ideas/")
    }
    assert set(ideas) == {
        f"ideas/{name}.md" for name in ("paths", "semirings", "references", "rules", "routes")
    }
    for text in ideas.values():
        assert 'class="formula"' in text
        assert "plt.show()" in text or "live(" in text


def test_the_gallery_shows_each_of_its_pages():
    shown = re.findall(
        r'<a class="card" href="(\w+)\.html"><img src="\.\./live/(\w+)\.png"',
        PAGES["gallery/index.md"].read_text(),
    )
    pages = {name.split("/")[1][:-3] for name in PAGES if name.startswith("gallery/")} - {"index"}
    assert {page for page, _ in shown} == pages
    assert len(pages) >= 12
    for page, picture in shown:
        text = PAGES[f"gallery/{page}.md"].read_text(encoding="utf-8")
        assert f'"{picture}"' in text
        assert "live(" in text
        assert "assert " in text


def test_a_name_is_given_to_one_live_page():
    names = re.findall(
        r'live\([^"\n]*"(\w+)"', "\n".join(path.read_text(encoding="utf-8") for path in PAGES.values())
    )
    assert len(names) == len(set(names)) > 12


def test_the_glossary_is_sorted_and_says_each_word_once():
    terms = re.findall(r"^(\S.*)\n: ", PAGES["glossary.md"].read_text(encoding="utf-8"), re.MULTILINE)
    assert terms == sorted(terms, key=str.lower)
    words = [word for term in terms for word in term.split(", ")]
    assert len(words) == len(set(words)) > 30
