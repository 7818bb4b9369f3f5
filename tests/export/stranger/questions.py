"""Twelve questions about one answer of the embedded model, each with its right answer, by code.

Somebody who has never seen the package gets the page of `make.py` and the questions, and nothing else. What
is right follows from the explanation alone; no number is written down here.
"""

import math
from dataclasses import asdict, dataclass

from semiring_widgets.export.clicks import name_of
from semiring_widgets.results.parts import Part
from semiring_widgets.results.wording import brief, percent, signed


@dataclass(frozen=True)
class Asked:
    """One question.

    Attributes:
        question: as a stranger is asked it.
        answer: the right one.
        shows: what the page says of it, by its words or by the names of its elements.
        clicked: what has to be selected before, as in the page's address.
        tested: whether *Test it* has to be pressed then.
    """

    question: str
    answer: str
    shows: tuple[str, ...]
    clicked: str = ""
    tested: bool = False


def questions(result):
    """All twelve.

    Args:
        result: the explanation that the page is made of; live.
    """
    table = result.effects().dropna(subset=["effect"])
    by_size = table.assign(size=table["effect"].abs()).sort_values("size", ascending=False)
    words, heads, mlps = (by_size[by_size["kind"] == kind] for kind in ("token", "head", "mlp"))
    other = words.iloc[1]
    word, head, mlp = words.iloc[0], heads.iloc[0], mlps.iloc[0]
    before = result.score.value
    first = next(r for r in result.rankings if r.by == "contribution").families[0]
    names = [token.text for token in result.tokens]
    against = words[words["effect"] < 0].iloc[0]
    told = f"{head['layer']}·{head['head']}"
    last = first.steps[-1]
    strongest = Part(layer=last.layer, head=last.head)
    log_share = result.session.conditioned([asdict(strongest)])[1]
    pair = (Part(token=int(word["token"])), Part(layer=int(mlp["layer"]), branch="mlp"))
    both = result.session.test([asdict(part) for part in pair])
    route = result.session.test([], first.steps)
    spearman = next(c.rank_correlation for c in result.correlations if c.kind == "heads")
    return (
        Asked(
            "Which word does the model choose, which one does it reject, and by how many logits?",
            f"{result.score.target}, not {result.score.contrast}; {brief(before)}",
            (f"says {result.score.target} rather than {result.score.contrast} ({brief(before)} logits)",),
        ),
        Asked(
            "Which word of the sentence decides?",
            f"{word['text']} ({brief(word['effect'])})",
            (f"mostly because of {word['text']} ({brief(word['effect'])})",),
        ),
        Asked(
            "How much is any other word worth, at most?",
            brief(other["size"]),
            ("no other word is worth more than", f"{other['text']}: effect {signed(other['effect'])}"),
        ),
        Asked(
            "What happens to the answer if the deciding word is hidden from the model?",
            f"{brief(before)} becomes {brief(before - word['effect'])}: it says {result.score.contrast}",
            (
                f"{brief(before)} → {brief(before - word['effect'])}",
                "the answer flips",
            ),
        ),
        Asked(
            "Which head takes the deciding word elsewhere first, and onto which word?",
            f"head {told}, onto {names[first.steps[0].target]}",
            (f"Head {told} writes {word['text']} onto {names[first.steps[0].target]}",),
        ),
        Asked(
            "Which head carries it on to the blank?",
            f"head {last.layer}·{last.head}",
            (f"head {last.layer}·{last.head} carries it to the blank",),
        ),
        Asked(
            "How much of the score does this one route carry, as measured?",
            brief(route.effect),
            (f"({brief(route.effect)} by this route alone)",),
        ),
        Asked(
            "Which MLP matters most, and what becomes of the score without it?",
            f"that of layer {mlp['layer']}: {brief(before)} becomes {brief(before - mlp['effect'])}",
            (f"the MLP of layer {mlp['layer']}", f"effect {brief(mlp['effect'])}"),
        ),
        Asked(
            "Is the estimate made from slopes right about the deciding word?",
            f"no: it says {brief(word['contribution'])} where the test says {brief(word['effect'])}",
            (
                f"effect {brief(word['effect'])}, predicted {brief(word['contribution'])}",
                f"heads {spearman:.2f}",
            ),
        ),
        Asked(
            "Which word speaks most for the other answer, and how much?",
            f"{against['text']}: {signed(against['effect'])}",
            (f"{against['text']}: effect {signed(against['effect'])}",),
        ),
        Asked(
            "What if the deciding word and that MLP are both taken away?",
            f"{brief(both.before)} becomes {brief(both.after)}",
            (f"effect {brief(both.effect)}", "says " + result.score.contrast),
            clicked=",".join(map(name_of, pair)),
            tested=True,
        ),
        Asked(
            f"What part of all path weight runs through head {last.layer}·{last.head}?",
            percent(math.exp(log_share)),
            (f"through head {last.layer}·{last.head}: {percent(math.exp(log_share))}",),
            clicked=name_of(strongest),
        ),
    )
