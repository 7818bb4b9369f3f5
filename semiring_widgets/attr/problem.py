"""The one problem that all methods of a comparison are put to.

Token ids have no gradient, so every method works on the input embeddings: a module that maps embeddings
(B, T, D) to one score per example, the embeddings of the text, and reference embeddings in which the
words are given the reference. All semiring methods read the same recording of one forward pass, and all
measurements share their runs of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from semiring_widgets.attr.replacing import Replacing
from semiring_widgets.attr.semiring_choice import SemiringChoice
from semiring_widgets.core import Paths, Result, path_lengths, record, select_paths
from semiring_widgets.question import PathOptions

if TYPE_CHECKING:
    from semiring_widgets.core import Tape

__all__ = ["Problem", "ScoredModel", "evaluating", "seeded"]


class ScoredModel(nn.Module):
    """The model and the score as one module, as `DeepLift` needs it: it hooks the submodules.

    Args:
        model: the model, so that its submodules are found.
        score: from embeddings (B, T, D) to scores (B,); runs the model.
        check: called before every run; raises if the caller asked to stop.
    """

    def __init__(
        self, model: nn.Module, score: Callable[[Tensor], Tensor], check: Callable[[], None]
    ) -> None:
        super().__init__()
        self.model = model
        self._score = score
        self._check = check

    def forward(self, inputs_embeds: Tensor) -> Tensor:
        """Scores, shape (B,), of embeddings of shape (B, T, D)."""
        self._check()
        return self._score(inputs_embeds)


class Problem:
    """Embeddings, their reference, the score; and one recording shared by all who need it.

    Args:
        forward: embeddings (B, T, D) to scores (B,).
        inputs: embeddings of the text, shape (1, T, D).
        baselines: reference embeddings, shape (1, T, D).
        options: which graph semiring methods count, at which level, and what recording and sweep may take.
    """

    def __init__(
        self,
        forward: ScoredModel,
        inputs: Tensor,
        baselines: Tensor,
        options: PathOptions,
    ) -> None:
        self.forward = forward
        # Requiring a gradient on a copy of our own spares Captum's warning and the caller's tensor.
        self.inputs = inputs.detach().clone().requires_grad_()
        self.baselines = baselines.detach().clone()
        self.options = options
        self._chosen: Paths | None = None
        self._recording: tuple[Tape, Tensor] | Exception | None = None

    def at(self, inputs: Tensor) -> Problem:
        """The same problem for other embeddings, shape (1, T, D)."""
        return Problem(self.forward, inputs, self.baselines, self.options)

    def under(self, rules: str) -> Problem:
        """The same problem where other rules weigh the edges; its recording is its own, and not kept here."""
        return Problem(self.forward, self.inputs, self.baselines, replace(self.options, rules=rules))

    @cached_property
    def replacing(self) -> Replacing:
        """What happens when tokens are given the reference."""
        return Replacing(self.forward, self.inputs, self.baselines)

    def paths(self, choice: SemiringChoice) -> Result:
        """Semiring value of all paths from each unit of each token to the score.

        Args:
            choice: the semiring and the level; its granularity is the recording's.

        Returns:
            Result of `semiring_widgets.backprop`, shape (1, T, D).
        """
        tape, score = self._recorded()
        chosen = self.chosen()
        if chosen is not None:
            return chosen.at_inputs(choice.swept, choice.level)[0]
        return choice.results(tape, score, [self.inputs], max_memory=self._left(tape))[0]

    def lengths(self) -> Result:
        """Number of attentions on the paths from each unit of each token, shape (1, T, D).

        Raises:
            InputError: the model has no residual stream to count them in.
        """
        tape, score = self._recorded()
        chosen = self.chosen()
        found = path_lengths(tape, score, self.inputs) if chosen is None else chosen.lengths()
        return found[0] if isinstance(found, list) else found

    def chosen(self) -> Paths | None:
        """The paths that the comparison is about; None where they are all, as nothing else is known of them.

        Raises:
            InputError: the model has no such part.
        """
        asked = self.options
        if _nothing(asked.through) and _nothing(asked.avoiding) and not asked.leaving_skip:
            return None
        if self._chosen is None:
            tape, score = self._recorded()
            self._chosen = select_paths(
                tape,
                score,
                [self.inputs],
                asked.through,
                asked.avoiding,
                leaving_skip=asked.leaving_skip,
                max_memory=self._left(tape),
            )
        return self._chosen

    def _left(self, tape: Tape) -> int | None:
        limit = self.options.max_memory
        return None if limit is None else limit - tape.nbytes

    def change(self) -> float:
        """Score of the text minus score of the reference: what complete methods add up to."""
        with torch.no_grad():
            return float(self.forward(self.inputs)) - float(self.forward(self.baselines))

    def _recorded(self) -> tuple[Tape, Tensor]:
        if self._recording is None:
            try:
                options = self.options
                with record(
                    options.granularity,
                    rules=options.rules,
                    reference=self.baselines,
                    max_memory=options.max_memory,
                ) as tape:
                    # A copy goes in, in case the model works on its inputs in place.
                    score = self.forward(self.inputs.clone())
                self._recording = (tape, score)
            except Exception as error:
                # What cannot be recorded once need not be tried for every semiring.
                self._recording = error
                raise
        if isinstance(self._recording, Exception):
            raise self._recording
        return self._recording


def _nothing(parts: Any) -> bool:
    return isinstance(parts, (tuple, list)) and not parts


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers from `seed` inside; the caller's generators are as before afterwards."""
    # Captum draws from numpy's global generator as well as from torch's.
    numpy_state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in eval mode with gradients on; each module's own mode is restored afterwards."""
    training = [module for module in model.modules() if module.training]
    try:
        model.eval()
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for module in training:
            module.training = True
