"""The page that a stranger sees, the questions, and apart from both the answers.

python -m tests.export.stranger.make FOLDER
"""

import sys
from pathlib import Path

from tests.browser import scenes
from tests.export.stranger.questions import questions


def make(folder: Path):
    """Writes ``page.html``, ``questions.txt`` and ``answers.txt``; gives the twelve questions."""
    folder.mkdir(parents=True, exist_ok=True)
    result = scenes.real()
    asked = questions(result)
    result.to_html(folder / "page.html")
    for name in ("question", "answer"):
        lines = [f"{number}. {getattr(one, name)}" for number, one in enumerate(asked, 1)]
        (folder / f"{name}s.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return asked


if __name__ == "__main__":
    make(Path(sys.argv[1]))
