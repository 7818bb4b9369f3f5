"""The claims of Du et al. (2023, arXiv 2307.03056), tested again: `STUDY`."""

from examples.studies.paper.study import STUDY

__all__ = ["STUDY"]
