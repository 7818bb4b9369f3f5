"""What a question can be given, in TypeScript: names, meanings and choices, as the arguments have them.

They are those of `semiring_widgets.question` and `semiring_widgets.vocabulary`; ``js/src/ask/settings.ts`` is
written with ``contract.ts``, see `typescript`.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Final

from semiring_widgets.question import ExplainOptions, Question
from semiring_widgets.vocabulary import BEST_OF, CARRIED, COUNTED, STAND_INS

__all__ = ["ask_settings"]

_HEAD: Final = """\
/**
 * What a question can be given, and what that means.
 *
 * Written by `python -m semiring_widgets.contract.typescript` from `semiring_widgets/question.py` and
 * `semiring_widgets/vocabulary.py`: change it there.
 */

export interface Setting {
  /** What it is for. */
  means: string;
  /** As a field shows it where nothing else was given. */
  default: string;
  /** What may be given, with its meaning. */
  choices: Readonly<Record<string, string>>;
  /** Whether something else may be given, too. */
  open: boolean;
}

export const SETTINGS = {
"""
_CHOICES: Final = {"granularity": COUNTED, "rules": CARRIED, "level": BEST_OF, "reference": STAND_INS}
# What a view lets one change beside the text, in this order.
_CHANGED: Final = (
    *("target", "piece", "contrast", "position", "reference"),
    *("rules", "granularity", "level", "semiring"),
)
_ELSEWHERE: Final = "; in a notebook"


def ask_settings(width: int) -> str:
    """The file.

    Args:
        width: of a line, as the formatter has it.
    """
    rows = []
    known = {part.name: part for part in (*fields(Question), *fields(ExplainOptions))}
    for name in _CHANGED:
        part = known[name]
        means = part.metadata["help"].partition(_ELSEWHERE)[0]
        default = part.default if isinstance(part.default, str) else ""
        rows += [
            f"  {name}: {{",
            _row("means", means, width),
            _row("default", default, width),
            *_choices(_CHOICES.get(name, {}), width),
            f"    open: {'false' if 'choices' in part.metadata else 'true'},",
            "  },",
        ]
    return _HEAD + "\n".join(rows) + "\n} as const satisfies Record<string, Setting>;\n"


def _choices(words: dict[str, str], width: int) -> list[str]:
    if not words:
        return ["    choices: {},"]
    return [
        "    choices: {",
        *(_row(word, means, width, "      ") for word, means in words.items()),
        "    },",
    ]


def _row(name: str, text: str, width: int, space: str = "    ") -> str:
    said = json.dumps(text, ensure_ascii=False)
    row = f"{space}{name}: {said},"
    return row if len(row) <= width else f"{space}{name}:\n{space}  {said},"
