"""Does flow mean importance? What statistics of parts say, against what happens when they are replaced."""

from examples.studies.importance.measuring import cells
from examples.studies.importance.report import report
from examples.studies.study import Study

STUDY = Study(
    "importance",
    "Which statistic tells what matters?",
    "A head, a feed-forward part (MLP), a word or a route is replaced, and the score changes: that is its "
    "tested "
    "effect. Which number that needs no test ranks the parts in the same way?",
    cells,
    report,
)
