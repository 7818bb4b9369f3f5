"""Does flow mean importance? What statistics of parts say, against what happens when they are replaced."""

from examples.studies.importance.measuring import cells
from examples.studies.importance.report import report
from examples.studies.study import Study

STUDY = Study(
    "importance",
    "Which statistic tells what matters?",
    "A head, a feed-forward part (MLP), a word or a route is replaced, and the score changes: that is its "
    "tested effect. Which number that needs no test ranks the parts in the same way?",
    cells,
    report,
    "Contribution at the part: gradient times change of the output, relative to what replaces it. Mass is "
    "the sum of all |path weights|, the best path the largest of them. Other text: the subject in the other "
    "number. *One fixed ranking* is the mean effect of each part in the other texts: what is no better says "
    "nothing about the text at hand. Comprehensiveness: the share of the score that is lost without the "
    "words ranked first; sufficiency: without all others. Captured: the share of the ten largest effects of "
    "routes that a ranking's first ten hold. Figures are Spearman correlations with tested effects where "
    "nothing else is said.",
)
