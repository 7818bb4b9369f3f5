"""Chunks asked by workers of Ray Data, on this machine or a cluster; the caller keeps what they find."""

from __future__ import annotations

import io
import logging
import os
import pickle
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import torch

from semiring_widgets.corpus.chunks import Asker
from semiring_widgets.corpus.files import Files, arrow, encoded
from semiring_widgets.corpus.table_columns import TABLES
from semiring_widgets.corpus.work import Work
from semiring_widgets.errors import InputError, SemiringWidgetsError, sentence_of

__all__ = ["asked_on_ray", "ray_or_sentence", "start_ray"]

# How a Ray is started here, unless the user says otherwise.
_STARTED_WITH: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would call home
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # workers have this environment, not a new one
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # it would say at every start that a restart may fail
}
_PROGRESS: Final = ("enable_progress_bars", "print_on_execution_start")
# A row that ends its worker's process does so again; workers that lose their machine start on another.
_RESTARTS: Final = 2
# Its processes give each other 15 seconds to start, which on a busy machine may not do the first time.
_STARTS: Final = 4


def ray_or_sentence() -> Any:
    """Ray, with Ray Data.

    Raises:
        InputError: it is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError(
            "engine='ray' needs Ray: pip install 'ray[data]' (or 'semiring-widgets[ray]'); engine='local' "
            "needs nothing more."
        ) from error
    return ray


def asked_on_ray(
    asker: Asker, works: Sequence[Work], workers: int | None, gpus: float | None
) -> Iterator[tuple[Work, Files]]:
    """The files of every chunk, as they come.

    A Ray that runs is used; otherwise one starts here, and ends with the iteration.

    Args:
        asker: of which every worker gets a copy; its progress stays here.
        works: the chunks.
        workers: how many; None for one a GPU, or one a processor where there are no GPUs.
        gpus: of each worker, may be a fraction; None for one where the cluster has GPUs.

    Raises:
        InputError: no Ray, no GPU where some are asked for, or a model that cannot be sent.
        SemiringWidgetsError: a worker failed.
    """
    ray = ray_or_sentence()
    packed = _packed(asker)
    with _running(ray), _quiet(ray):
        there = ray.cluster_resources()
        gpus = min(1.0, there.get("GPU", 0.0)) if gpus is None else gpus
        if gpus > there.get("GPU", 0.0):
            raise InputError(
                f"gpus_per_worker is {gpus:g}, and Ray knows of {there.get('GPU', 0.0):g} GPUs; give 0 for "
                f"processors."
            )
        many = there["GPU"] // gpus if gpus else there.get("CPU", 1.0)
        size = min(len(works), workers or max(1, int(many)))
        rows = [{"place": place, "work": pickle.dumps(work)} for place, work in enumerate(works)]
        with warnings.catch_warnings():
            # Without a limit a row that ends its worker would be asked for ever; Ray has no other way to say
            # it yet.
            warnings.filterwarnings("ignore", message=".*ray_remote_args.* is deprecated")
            asked = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
                _Worker,
                # In a list it stays a reference until the worker fetches it.
                fn_constructor_args=([ray.put(packed)], "cuda" if gpus else "cpu"),
                batch_size=1,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(size=size),
                num_cpus=1,
                num_gpus=gpus or None,
                max_restarts=_RESTARTS,
                max_task_retries=_RESTARTS,
            )
        try:
            # One that is fetched ahead would be lost with the next one's worker.
            for block in asked.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
                for found in block.to_pylist():
                    yield works[found["place"]], {table: found[table] for table in TABLES}
        except ray.exceptions.RayError as error:
            raise SemiringWidgetsError(_why(error)) from error


class _Worker:
    """Asks about one chunk after the other, in a process of its own.

    Args:
        packed: a reference to the asker.
        device: where its model works.
    """

    def __init__(self, packed: Sequence[Any], device: str) -> None:
        import ray

        data = io.BytesIO(ray.get(packed[0]))
        # What was packed here by the process that asks; see `_packed`.
        self._asker: Asker = torch.load(data, map_location=device, weights_only=False)

    def __call__(self, given: Any) -> Any:
        """The files of one chunk.

        Args:
            given: an Arrow table of one row, see `asked_on_ray`.
        """
        pyarrow, _ = arrow()
        (one,) = given.to_pylist()
        work: Work = pickle.loads(one["work"])  # noqa: S301  (from the process that asks)
        files = encoded(self._asker(work.rows), work.digests)
        return pyarrow.table({"place": [one["place"]], **{table: [data] for table, data in files.items()}})


def _packed(asker: Asker) -> bytes:
    """An asker as bytes; its tensors can be put on another device than they are on here."""
    from ray import cloudpickle

    data = io.BytesIO()
    try:
        # Ray's pickles take functions and classes of a notebook, too.
        torch.save(asker.alone(), data, pickle_module=cloudpickle)
    except Exception as error:
        raise InputError(
            f"engine='ray' sends the model, its tokenizer and the rule to its workers, and they cannot be "
            f"packed ({sentence_of(error, 'pickle')}); use engine='local'."
        ) from error
    return data.getvalue()


@contextmanager
def _running(ray: Any) -> Iterator[None]:
    """With a Ray: the one that runs, or one of our own for as long."""
    if ray.is_initialized():
        yield
        return
    # A cluster that the environment names is joined as it is.
    start_ray(ray, **({} if os.environ.get("RAY_ADDRESS") else {"include_dashboard": False}))
    try:
        yield
    finally:
        ray.shutdown()


def start_ray(ray: Any, **options: Any) -> None:
    """Start Ray, silently; again where it does not start in time.

    Args:
        ray: the package.
        options: of ``ray.init``.

    Raises:
        SemiringWidgetsError: it does not start.
    """
    before = {name: os.environ.get(name) for name in _STARTED_WITH}
    os.environ.update({name: value for name, value in _STARTED_WITH.items() if before[name] is None})
    try:
        failed = None
        for _ in range(_STARTS):
            failed = _failed_start(ray, options)
            if failed is None:
                return
        raise SemiringWidgetsError(sentence_of(cast("Exception", failed), "Ray's start")) from failed
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


def _failed_start(ray: Any, options: Mapping[str, Any]) -> Exception | None:
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
    except Exception as error:  # noqa: BLE001  (Ray raises just that where its processes are late)
        # Whatever did start.
        ray.shutdown()
        return error
    return None


@contextmanager
def _quiet(ray: Any) -> Iterator[None]:
    """Without Ray Data's own progress, which would stand in the way of ours."""
    log, context = logging.getLogger("ray.data"), ray.data.DataContext.get_current()
    level, before = log.level, {name: getattr(context, name) for name in _PROGRESS}
    log.setLevel(logging.ERROR)
    for name in _PROGRESS:
        setattr(context, name, False)
    try:
        yield
    finally:
        log.setLevel(level)
        for name, value in before.items():
            setattr(context, name, value)


def _why(error: Exception) -> str:
    """Of an error that came from a worker, with all that it passed, the sentence of the first."""
    cause: BaseException = error
    while (inner := getattr(cause, "cause", None) or cause.__cause__) is not None:
        cause = inner
    return f"{sentence_of(cause, 'A worker of Ray')} What is finished is kept; run the same again to go on."
