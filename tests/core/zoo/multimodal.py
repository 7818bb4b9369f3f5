"""Classes that read images among words."""

from tests.core.zoo.row import Row

MULTIMODAL: list[Row] = []
