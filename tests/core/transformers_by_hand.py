"""Tiny transformers written out as sources, a stream and targets, with the model's own modules.

Independent of the package: what a target reads is a function of what all sources give, so autograd says what
an edge is. Edge attribution patching is a derivative of it, and a circuit's score is one call.
"""

import torch

from tests.core.zoo.feeding import feed
from tests.core.zoo.shrinking import HEADS, build

WIDTH = 8  # of a head
BRANCHES = ("query", "key", "value")
PLAIN = {"LlamaForCausalLM": {"num_key_value_heads": HEADS}}


class ByHand:
    """A model as its parts.

    ``given`` maps each source, ``"input"``, ``("a", layer)`` (all heads' outputs side by side) and ``("m",
    layer)``, to its tensor. Subclasses say what the stream is before a layer's attention (``half=0``), before
    its feed-forward part (1) and at the end, and what is read there.
    """

    name = ""

    def __init__(self):
        self.model = build(self.name, **PLAIN.get(self.name, {})).requires_grad_(False)
        self.inputs, self.call = feed("embeds", self.model)
        generator = torch.Generator().manual_seed(11)
        self.reference = [x + torch.randn(x.shape, generator=generator) for x in self.inputs]

    def score(self, inputs):
        logits = self.call(inputs).logits[0]
        return logits[-1, 3] - logits[-1, 4] + 0.5 * logits[1, 5]

    @property
    def layers(self):
        return len(self.blocks)

    def targets(self):
        """All of them, in order of execution."""
        for layer in range(self.layers):
            yield from (("a", layer, branch, head) for branch in BRANCHES for head in range(HEADS))
            yield ("m", layer)
        yield ("score",)

    def sources(self):
        yield ("input",)
        for layer in range(self.layers):
            yield from (("a", layer, head) for head in range(HEADS))
            yield ("m", layer)

    def earlier(self, source, target):
        """Whether there is an edge."""
        order = {"input": -1, "a": 0, "m": 1, "score": 2}
        end = self.layers if target[0] == "score" else target[1]
        begin = -1 if source[0] == "input" else source[1]
        return (begin, order[source[0]]) < (end, order[target[0]])

    def read(self, target, given):
        """What a target reads, where the sources gave these."""
        if target[0] == "score":
            logits = self.logits(self.stream(self.layers, 0, given))[0]
            return logits[-1, 3] - logits[-1, 4] + 0.5 * logits[1, 5]
        if target[0] == "m":
            return self.feed_forward(target[1], self.stream(target[1], 1, given))
        _, layer, branch, head = target
        read = self.projected(layer, branch, self.stream(layer, 0, given))
        return read[..., head * WIDTH : (head + 1) * WIDTH]

    def run(self, inputs, choose=lambda target, given: given):
        """What every source gives and every target reads, target by target.

        Args:
            inputs: the input.
            choose: what a target is shown as what the sources gave.
        """
        given, read = {"input": inputs}, {}
        for layer in range(self.layers):
            for target in [t for t in self.targets() if t[:2] == ("a", layer)]:
                read[target] = self.read(target, choose(target, given))
            whole = [torch.cat([read["a", layer, b, h] for h in range(HEADS)], -1) for b in BRANCHES]
            given["a", layer] = self.attend(layer, *whole)
            read["m", layer] = given["m", layer] = self.read(("m", layer), choose(("m", layer), given))
        read["score",] = self.read(("score",), choose(("score",), given))
        return given, read

    def attend(self, layer, query, key, value):
        """The heads' outputs, side by side."""
        query, key, value = (x.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2) for x in (query, key, value))
        query, key = self.turned(query, key)
        scores = query @ key.mT * WIDTH**-0.5
        if self.causal:
            above = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(above, float("-inf"))
        return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)

    causal = True

    def turned(self, query, key):
        """With positions."""
        return query, key


class Bert(ByHand):
    name, causal = "BertForMaskedLM", False

    @property
    def blocks(self):
        return self.model.bert.encoder.layer

    def stream(self, layer, half, given):
        here = self.model.bert.embeddings(inputs_embeds=given["input"])
        for before in range(layer + half):
            block = self.blocks[before if before < layer else layer]
            out = block.attention.output
            here = out.LayerNorm(here + out.dense(given["a", before]))
            if before < layer:
                here = block.output.LayerNorm(here + given["m", before])
        return here

    def projected(self, layer, branch, stream):
        return getattr(self.blocks[layer].attention.self, branch)(stream)

    def feed_forward(self, layer, stream):
        return self.blocks[layer].output.dense(self.blocks[layer].intermediate(stream))

    def logits(self, stream):
        return self.model.cls(stream)


class PreNorm(ByHand):
    """The stream is a plain sum."""

    def stream(self, layer, half, given):
        here = self.begun(given["input"])
        for before in range(layer + half):
            here = here + self.joined(before, given["a", before])
            if before < layer:
                here = here + given["m", before]
        return here


class Gpt2(PreNorm):
    name = "GPT2LMHeadModel"

    @property
    def blocks(self):
        return self.model.transformer.h

    def begun(self, x):
        return x + self.model.transformer.wpe(torch.arange(x.shape[1]))

    def joined(self, layer, heads):
        return self.blocks[layer].attn.c_proj(heads)

    def projected(self, layer, branch, stream):
        whole = self.blocks[layer].attn.c_attn(self.blocks[layer].ln_1(stream))
        return whole.chunk(3, -1)[BRANCHES.index(branch)]

    def feed_forward(self, layer, stream):
        return self.blocks[layer].mlp(self.blocks[layer].ln_2(stream))

    def logits(self, stream):
        return self.model.lm_head(self.model.transformer.ln_f(stream))


class Llama(PreNorm):
    name = "LlamaForCausalLM"

    @property
    def blocks(self):
        return self.model.model.layers

    def begun(self, x):
        return x

    def joined(self, layer, heads):
        return self.blocks[layer].self_attn.o_proj(heads)

    def projected(self, layer, branch, stream):
        block = self.blocks[layer]
        return getattr(block.self_attn, f"{branch[0]}_proj")(block.input_layernorm(stream))

    def turned(self, query, key):
        from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

        positions = torch.arange(query.shape[2])[None]
        return apply_rotary_pos_emb(query, key, *self.model.model.rotary_emb(query, positions))

    def feed_forward(self, layer, stream):
        return self.blocks[layer].mlp(self.blocks[layer].post_attention_layernorm(stream))

    def logits(self, stream):
        return self.model.lm_head(self.model.model.norm(stream))


MODELS = {kind.name: kind for kind in (Bert, Gpt2, Llama)}


def name_of(part):
    """The name of a source or target in a circuit."""
    if part[0] in ("input", "score"):
        return {"input": "input", "score": "logits"}[part[0]]
    if part[0] == "m":
        return f"m{part[1]}"
    branch = f"<{part[2][0]}>" if len(part) == 4 else ""
    return f"a{part[1]}.h{part[-1]}{branch}"


def output_of(source):
    """The key of ``given`` that holds what a source gives, and where in its last dimension."""
    if source[0] == "a":
        return source[:2], slice(source[2] * WIDTH, (source[2] + 1) * WIDTH)
    return "input" if source[0] == "input" else source, slice(None)


def attribution_patching(by_hand, shares):
    """Edge attribution patching: {(source, target): estimate}.

    What a source gives here less what it gives under the reference, through the derivative of what a target
    reads by what the source gave, times the derivative of the score by what the target reads; the derivatives
    are averaged over points between the reference (0) and the inputs (1).
    """
    (x,), (x0,) = by_hand.inputs, by_hand.reference
    here, there = (by_hand.run(one)[0] for one in (x, x0))
    found = {}
    for share in shares:
        given, read = by_hand.run((x0 + share * (x - x0)).requires_grad_())
        gradients = torch.autograd.grad(read["score",], list(read.values()), materialize_grads=True)
        given = {name: value.detach().requires_grad_() for name, value in given.items()}
        for target, gradient in zip(read, gradients, strict=True):
            slopes = torch.autograd.grad(
                by_hand.read(target, given), list(given.values()), gradient, materialize_grads=True
            )
            slopes = dict(zip(given, slopes, strict=True))
            for source in by_hand.sources():
                if by_hand.earlier(source, target):
                    name, own = output_of(source)
                    edge = name_of(source), name_of(target)
                    product = slopes[name] * (here[name] - there[name])
                    found[edge] = found.get(edge, 0.0) + float(product[..., own].sum()) / len(shares)
    return found


def score_of_circuit(by_hand, kept):
    """The score where some edges, as (source, target), carry the inputs; the others the reference."""
    there, _ = by_hand.run(*by_hand.reference)

    def choose(target, given):
        shown = {name: there[name].clone() for name in given}
        for source in by_hand.sources():
            name, own = output_of(source)
            if name in given and (name_of(source), name_of(target)) in kept:
                shown[name][..., own] = given[name][..., own]
        return shown

    _, read = by_hand.run(*by_hand.inputs, choose)
    return float(read["score",])
