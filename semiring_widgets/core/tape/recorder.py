"""`record`: put the forward pass of an unmodified model on a tape.

>>> import torch, semiring_widgets as sw
>>> x = torch.tensor([1.0, 2.0])
>>> with sw.record() as tape:
...     score = (x * x).sum()
>>> [op.name for op in tape.ops]
['aten.mul.Tensor', 'aten.sum.default']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from semiring_widgets.checks import choice, memory_limit, truth
from semiring_widgets.core.precision import is_exact
from semiring_widgets.core.tape.arguments import NodeArguments, any_of, is_tracked, layouts_of, tensors_in
from semiring_widgets.core.tape.autograd_functions.interception import Interception
from semiring_widgets.core.tape.autograd_functions.recording import CallRecorder
from semiring_widgets.core.tape.autograd_functions.trial import try_functions
from semiring_widgets.core.tape.expansion.granularity import expansions, uncut
from semiring_widgets.core.tape.expansion.shortcuts import decomposed
from semiring_widgets.core.tape.module_paths import ModulePaths
from semiring_widgets.core.tape.nodes import Node, Scope
from semiring_widgets.core.tape.op_facts import OpFacts, facts_of, functional_of, returns_more, written_by
from semiring_widgets.core.tape.open_recording import OpenRecording
from semiring_widgets.core.tape.reads import Reads
from semiring_widgets.core.tape.tape import Tape, only_output
from semiring_widgets.core.tape.torch_errors import sentence_for
from semiring_widgets.errors import UnsupportedOpError
from semiring_widgets.vocabulary import GRANULARITIES, RULES

__all__ = ["record"]

aten = torch.ops.aten

# Namespaces of operators with quantised weights; autograd takes their results for constants.
_QUANTISED = {"quantized", "quantized_decomposed", "torchao", "bitsandbytes"}
_OTHER_MEMORY = (
    "A tensor was given other memory during the recording (in module '{}') by `set_`, as copy.deepcopy and "
    "torch.load do, which hides where its values come from. Copy tensors by `x.clone()`, or by "
    "`x.detach().clone()` for constants; load files and copy caches before the recording."
)


@contextmanager
def record(
    granularity: str = "primitive",
    *,
    rules: Any = "gradient",
    reference: Tensor | Sequence[Tensor] | str | None = None,
    max_memory: int | None = None,
    values: bool = True,
) -> Iterator[Tape]:
    """Record everything that runs inside the ``with`` block on a `Tape`.

    The model is not changed. Fused attention is recorded as its parts, whatever implementation the
    model uses. Code under an inner ``torch.no_grad()`` and ``detach()`` cut the graph, as in autograd.
    No autograd graph is built; an outer ``no_grad`` or ``inference_mode`` is lifted inside the block.
    Compiled models run eagerly, with a warning. Recordings may lie inside each other, and side by side in
    several threads.

    Args:
        granularity: which graph is counted. ``"primitive"``: softmax, norms and their like are
            expanded to arithmetic; ``"operator"``: each is one dense local Jacobian; ``"paper"``: the
            expansions of the code of Du et al. (2023).
        rules: which number an edge carries, for all questions about this tape that do not say so themselves:
            ``"gradient"`` (local derivatives), ``"linear"``, ``"secant"``, ``"lrp"``, ``"gim"``, or an object
            of `semiring_widgets.rules`. Nothing is recorded otherwise.
        reference: for rules that compare with one: what stands for the inputs (``wrt`` of a question) there,
            shaped as these; or ``"zero"`` or ``"mean"``.
        max_memory: bytes that the tape may keep; None for as many as leave half of the free memory. When they
            are reached, results that the model has let go are released, and computed again, bit for bit and
            one stretch of the model at a time, when a sweep needs them.
        values: False records only what there is and how large it is, in the memory of ordinary inference:
            ``tape.nbytes`` then says what a recording with the same ``max_memory`` will keep, and
            `semiring_widgets.estimate_memory` what a sweep over it will take; sweeps over it are refused.

    Yields:
        The `Tape`, complete when the block is left.

    Raises:
        InputError: for an unknown granularity or rule, or a limit that is no number.
        MemoryLimitError: the tape would keep more than ``max_memory``.
        UnsupportedOpError: if the block does what cannot be recorded; the message names it.
        TapeError: the recording was entered beside that of another task of the thread, or not left as
            `with` leaves it: in the thread where it was entered, the last one first.

    Example:
        >>> x = torch.tensor([1.0, 2.0])
        >>> for granularity in ("primitive", "operator"):
        ...     with record(granularity) as tape:
        ...         score = torch.softmax(x, 0)[0]
        ...     print([op.name for op in tape.ops])
        ['aten.sub.Tensor', 'aten.exp.default', 'aten.sum.dim_IntList', 'aten.div.Tensor', 'aten.select.int']
        ['aten._softmax.default', 'aten.select.int']
    """
    granularity = choice(granularity, "granularity", GRANULARITIES)
    limit, values = memory_limit(max_memory), truth(values, "values")
    if isinstance(rules, str) or not hasattr(rules, "needs_reference"):
        rules = choice(rules, "rules", RULES)
    try_functions(record)
    tape = Tape(granularity, limit, values=values, rules=rules, reference=reference)
    table = expansions(granularity, keep=lambda constant: tape.keeping.count(constant, (), {}))
    tracker = ModulePaths()
    recorder = _Recorder(tape, tracker, table, uncut(granularity))
    opening = OpenRecording(tape, recorder, tracker, Interception(CallRecorder(tape, recorder.scope)))
    with Reads(recorder.note_read), opening:
        try:
            yield tape
        except BaseException as error:
            tape.failed = True
            sentence = sentence_for(error)
            if sentence is None:
                raise
            raise UnsupportedOpError(sentence) from error
        tape.root = tracker.root
    tape._settle()


class _Recorder(TorchDispatchMode):
    """The dispatch mode behind `record`."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled, and the wrapper that says so costs as much as a small operator."""
        return False

    def __init__(
        self, tape: Tape, tracker: ModulePaths, table: dict[Any, Any], uncut: dict[Any, Any]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tape, self._tracker, self._table, self._uncut = tape, tracker, table, uncut
        # Keyed on identity, as the hash of an operator costs as much as the rest; each keeps its own alive.
        self._facts: dict[int, OpFacts] = {}
        self._exact = is_exact()
        self._composites: list[tuple[str, int]] = []
        self._instances = 0
        self._last_scope = Scope()

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        facts = self._facts.get(id(func))
        if facts is None:
            facts = self._facts[id(func)] = facts_of(func, self._table, self._uncut, exact=self._exact)
        if facts.expansion is not None and torch.is_grad_enabled():
            result = self._expand(func, facts.expansion, args, kwargs)
            if result is not NotImplemented:
                return result
        bindings = self._tape._bindings
        tells = facts.is_one_step
        given = None if tells is None else NodeArguments(args, kwargs, bindings)
        if facts.decomposes and not (tells and given and tells(*given.args)):
            with self:
                if _any_complex(args):
                    result = _with_conjugation(func.decompose, args, kwargs)
                else:
                    result = decomposed(func, args, kwargs)
            if result is not NotImplemented:
                return result
        written = written_by(func, args, kwargs) if facts.writes else []
        for tensor in filter(is_tracked, tensors_in(written)):
            if facts.packet is aten.set_:
                raise UnsupportedOpError(_OTHER_MEMORY.format(self._tracker.path))
            bindings.node(tensor, to_write=True)
        given = given or NodeArguments(args, kwargs, bindings)
        if not given.nodes:
            return self._run_beside(facts, args, kwargs, given, written)
        if func.namespace in _QUANTISED:
            raise UnsupportedOpError(
                f"{func} (in module '{self._tracker.path}') computes with quantised weights, which have no "
                f"derivative here. Load the model without quantisation, or dequantise it first."
            )
        if facts.mistaken and torch.is_grad_enabled():
            raise UnsupportedOpError(
                f"{func} (in module '{self._tracker.path}') cannot be recorded: autograd gives the elements "
                f"that it replaces the gradient and the others none, which is the wrong way round, so no "
                f"answer would be right and agree with it. Use slice_scatter, select_scatter or index_put."
            )
        if facts.writes:
            if facts.packet is aten.copy_ and args[0].device != args[1].device:
                with self:
                    return args[0].copy_(args[1].to(args[0].device), *args[2:])
            return self._run_in_place(func, args, kwargs, given, written)
        return self._run(func, facts, args, kwargs, given)

    def _expand(self, func: OpOverload, expansion: Any, args: Any, kwargs: Any) -> Any:
        given = None
        # Its steps may be chosen by what Python reads there, as are the experts of a mixture.
        if self._depends(t for t in tensors_in(args) if not is_tracked(t)):
            given = NodeArguments(args, kwargs, self._tape._bindings)
        self._instances += 1
        self._composites.append((func.overloadpacket.__name__.strip("_"), self._instances))
        try:
            with self:
                result = expansion(*args, **kwargs)
        finally:
            self._composites.pop()
        if given is not None and result is not NotImplemented:
            results = list(result) if isinstance(result, (tuple, list)) else [result]
            self._tape._note(expansion, given, results, self.scope(), on_path=True)
        return result

    def _run(self, func: OpOverload, facts: OpFacts, args: Any, kwargs: Any, given: NodeArguments) -> Any:
        bindings = self._tape._bindings
        result = _with_conjugation(func, args, kwargs) if self._tape._complex else func(*args, **kwargs)
        results = list(result) if isinstance(result, (tuple, list)) else [result]
        if not any(map(is_tracked, results)):
            if not facts.shapes:
                self._tape._note(func, given, results, self.scope())
            return result
        if facts.cuts or not torch.is_grad_enabled():
            if not facts.views:
                self._tape.keeping.count(result, args, kwargs)
            sources = tuple(node.index for node in given.nodes)
            leaves = [self._tape._leaf(r.detach()) if is_tracked(r) else None for r in results]
            for r, leaf in zip(results, leaves, strict=True):
                if leaf is not None:
                    self._tape.cuts.append((self._tracker.path, sources, leaf.index))
                    bindings.bind(r, leaf, cut=True, frozen=func.is_view and not facts.cuts)
            if not facts.shapes:
                self._tape._note(func, given, results, self.scope(), leaves)
            return result
        source = args[0] if args and (facts.same or facts.same_if_shape_stays) else None
        if source is not None and is_tracked(source) and _is_same_node(facts, results[0], source):
            if results[0] is not source:
                copied, copies = facts.same and not facts.views, self._tape.keeping.copies
                if copied or id(source) in copies:
                    copies.add(id(results[0]))
                bindings.bind(results[0], given.args[0], source=source, copied=copied)
            return result
        repeats, layouts, copies = facts.repeats, None, self._tape.keeping.copies
        of_copies = bool(copies) and (any_of(args, copies) or any_of(kwargs.values(), copies))
        if of_copies and repeats:
            repeats, layouts = layouts_of(tensors_in((args, kwargs)), given.nodes)
        if given.constants:
            self._depends(given.constants)
        op = self._tape._append(func, given, results, self.scope(), repeats=repeats, layouts=layouts)
        shown = args[0] if facts.views and isinstance(args[0], Tensor) else None
        for r, node in zip(results, op.outputs, strict=True):
            if node is not None:
                bindings.bind(r, node, source=shown)
        if None in op.outputs and self._tape.values:
            self._tape.asides.accompany(op, results)
        if of_copies or not facts.views:
            self._tape.keeping.count(result, args, kwargs, op)
        return result

    def _run_beside(
        self, facts: OpFacts, args: Any, kwargs: Any, given: NodeArguments, written: list[Any]
    ) -> Any:
        """Run what takes no recorded number, though perhaps a mask that was made from some."""
        func = facts.func
        copies = [(tensor, self._before_constant(tensor, given)) for tensor in tensors_in(written)]
        result = func(*args, **kwargs)
        for tensor, old in copies:
            if old is not None:
                self._tape._note_write(func, given, tensor, old, self.scope())
        if not copies and not facts.shapes and self._depends(given.constants):
            results = list(result) if isinstance(result, (tuple, list)) else [result]
            self._tape._note(func, given, results, self.scope())
        return result

    def _run_in_place(
        self, func: OpOverload, args: Any, kwargs: Any, given: NodeArguments, written: list[Any]
    ) -> Any:
        bindings = self._tape._bindings
        if any(isinstance(several, (list, tuple)) for several in written):
            raise UnsupportedOpError(
                f"{func} (in module '{self._tracker.path}') writes a list of tensors in place, which cannot "
                f"be recorded. Write them one by one, or use its out-of-place form."
            )
        functional = functional_of(func)
        if given.constants:
            self._depends(given.constants)
        before: list[Node | None] = []
        copies: list[tuple[Tensor, Tensor | None]] = []
        for tensor in written:
            before.append(bindings.about_memory.before_write(tensor) if is_tracked(tensor) else None)
            if isinstance(tensor, Tensor) and not is_tracked(tensor):
                copies.append((tensor, self._before_constant(tensor, given)))
        result = _with_conjugation(func, args, kwargs) if self._tape._complex else func(*args, **kwargs)
        cut = not torch.is_grad_enabled()
        if not cut and (returns_more(func, result) or (functional is func and func.namespace != "aten")):
            raise UnsupportedOpError(
                f"{func} (in module '{self._tracker.path}') writes a tensor in place and has no form that "
                f"only returns its results, so it cannot be recorded. Use one that returns them."
            )
        for tensor, old in zip(written, before, strict=True):
            if not isinstance(tensor, Tensor) or old is None:
                continue
            if cut:
                renews = old.outer == tensor.shape
                node = (
                    self._tape._renew(old, tensor, self.scope())
                    if renews
                    else self._tape._leaf(tensor.detach())
                )
                plain = functional is not func and len(written) == 1
                self._tape._note(functional if plain else None, given, [tensor], self.scope(), [node])
            elif len(written) > 1:
                raise UnsupportedOpError(
                    f"{func} (in module '{self._tracker.path}') writes several tensors in place, which "
                    f"cannot be recorded. Use its out-of-place form."
                )
            else:
                node = only_output(self._tape._append(functional, given, [tensor], self.scope()))
            bindings.about_memory.after_write(tensor, node, cut=cut)
            self._tape.asides.overwritten.add(node)
        for tensor, copy in copies:
            if copy is not None:
                self._tape._note_write(func, given, tensor, copy, self.scope())
        return result

    def _before_constant(self, tensor: Tensor, given: NodeArguments) -> Tensor | None:
        """A tensor that is no node is about to be overwritten; gives what `Asides.before_write` does."""
        if self._tape._bindings.shares(tensor):
            raise UnsupportedOpError(
                f"A {tensor.dtype} tensor that shows the memory of recorded numbers was written (in module "
                f"'{self._tracker.path}'), so derivatives no longer belong to these. Write into a clone."
            )
        self._tape._constants.before_write(tensor)
        if not self._tape.values:
            return None
        return self._tape.asides.before_write(len(self._tape.ops), tensor, given)

    def _depends(self, constants: Iterable[Tensor]) -> bool:
        return self._tape.asides.depends(len(self._tape.ops), constants)

    def note_read(self, tensor: Tensor) -> None:
        """Python reads all numbers of a tensor."""
        if self._composites:
            return  # an expansion reads for itself, and is noted as a whole
        if is_tracked(tensor):
            known = self._tape._bindings.find(tensor) is not None
        else:
            known = self._depends((tensor,))
        if known:
            self._tape._note(None, NodeArguments((tensor,), {}, self._tape._bindings), (), self.scope())

    def scope(self) -> Scope:
        """Where the model is now."""
        composite, instance = self._composites[-1] if self._composites else ("", 0)
        path, last = self._tracker.path, self._last_scope
        if last.module != path or last.composite != composite or last.instance != instance:
            self._last_scope = last = Scope(path, composite, instance)
        return last


def _is_same_node(facts: OpFacts, result: Tensor, source: Tensor) -> bool:
    """Whether a copy is the *same* node as its source: same device, same kind of number, no digits lost."""
    if result.device != source.device or result.is_complex() != source.is_complex():
        return False
    return (facts.same or result.shape == source.shape) and not (
        facts.casts and _loses_digits(source, result)
    )


def _any_complex(args: Iterable[Any]) -> bool:
    for arg in args:
        if arg.is_complex() if isinstance(arg, Tensor) else isinstance(arg, list) and _any_complex(arg):
            return True
    return False


def _with_conjugation(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call an operator on complex numbers.

    Inside of a dispatch mode PyTorch skips the conjugation that views of complex numbers put off, so that
    kernels which use such views give other numbers than outside (`torch.linalg.pinv`,
    https://github.com/pytorch/pytorch/issues/198118).
    """
    included = torch._C._dispatch_tls_local_include_set()
    excluded = torch._C._dispatch_tls_local_exclude_set()
    for key in (torch._C.DispatchKey.Conjugate, torch._C.DispatchKey.Negative):
        excluded = excluded.remove(key)
    with torch._C._ForceDispatchKeyGuard(included, excluded):
        return function(*args, **kwargs)


def _loses_digits(given: Tensor, made: Tensor) -> bool:
    """Whether a change of dtype loses digits."""
    return made.dtype != given.dtype and torch.promote_types(made.dtype, given.dtype) != made.dtype
