"""Write `blimp_agreement.tsv`: BLiMP's agreement pairs, without what studies do not ask for.

    python -m examples.studies.data.shorten_blimp FOLDER_WITH_BLIMP_JSONL

BLiMP does not say which word is the subject. It is the first noun or name before the verb, which holds for
all sentences of these files; a noun's number is that of its form in the embedded model's lexicon, which is
mended here by hand.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import semiring_widgets as sw

HERE = Path(__file__).parent
COLUMNS = ("kind", "text", "target", "contrast", "number", "subject", "nouns", "attractors")
# What the spelling rules of the lexicon missed or misread.
_SINGULAR = {
    "art",
    "article",
    "gallery",
    "guy",
    "literature",
    "louse",
    "music",
    "newspaper",
    "politics",
    "science",
}
_PLURAL = {
    *("articles", "events", "guys", "lice", "newspapers", "stairs", "tomatoes", "universities"),
    *("balkans", "borgias", "clintons", "impressionists", "lutherans"),
}
_LEXICON = HERE.parents[1] / "train_embedded_model" / "lexicon.json"


def rows(folder: Path) -> list[tuple[str, ...]]:
    """One row a pair, in the order of the files; places are numbers of words, joined by blanks."""
    lexicon = json.loads(_LEXICON.read_text(encoding="utf-8"))
    plural = {pair[1] for pair in lexicon["nouns"]} | _PLURAL
    singular = {pair[0] for pair in lexicon["nouns"]} | set(lexicon["names"]) | _SINGULAR
    singular -= _PLURAL | {"these"}
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for pair in sw.tasks.read_blimp(path):
            words = [word.lower().strip(".,") for word in pair.words[: pair.place]]
            nouns = [place for place, word in enumerate(words) if word in singular | plural]
            number, subject, others = "", "", nouns
            attractors: list[int] = []
            if nouns and not path.stem.endswith("_2"):  # there the asked word is the subject itself
                subject, others = str(nouns[0]), nouns[1:]
                number = "singular" if words[nouns[0]] in singular else "plural"
                attractors = [
                    place for place in others if (words[place] in singular) != (number == "singular")
                ]
            places = (" ".join(map(str, some)) for some in (others, attractors))
            found.append((pair.kind, pair.text, pair.target, pair.contrast, number, subject, *places))
    return found


if __name__ == "__main__":
    with (HERE / "blimp_agreement.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(Path(sys.argv[1])))
