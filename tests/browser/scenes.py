"""What the notebooks of the browser tests show: kernels import this module by name.

`explanation`, `hostile`, `comparison` and `slow` are synthetic and need no model; `real` and
`real_comparison` ask the embedded model.
"""

import importlib.util
import time
from dataclasses import replace
from pathlib import Path

TEXT = "The keys to the cabinet [MASK] on the table."
HOSTILE_WORDS = ("<script>window.harmed=1</script>", "<img src=x onerror=window.harmed=1>", "&amp;", "[MASK]")


def _made(name="conftest"):
    """The synthetic results that the tests of Python use."""
    path = Path(__file__).parents[1] / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"semiring_widgets_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def explanation():
    return _made().build_explanation()


def hostile():
    """A text that would do harm if it were read as HTML anywhere."""
    return _made().build_explanation(HOSTILE_WORDS)


def comparison():
    return _made().build_comparison()


def beside():
    """Two texts, the second with another word and one more."""
    return _made().build_beside()


def image():
    """A picture of shapes, cut into few cells, and the small model that knows which of them decides."""
    import semiring_widgets as sw

    model, processor = sw.load_demo_image("cnn")
    scene = sw.tasks.shape_scenes(1)[0]
    return sw.explain_image(model, processor, scene.image, grid=3)


def patches():
    """A picture of 3 x 4 patches with two attentions and a feature map."""
    return _made("made_cells").build_image()


def slow(steps=20_000):
    """A live widget of a computation that runs for longer than any test unless it is cancelled."""
    from semiring_widgets.jobs import ExplanationJob
    from semiring_widgets.results.parts import Status
    from semiring_widgets.widgets import ExplanationWidget

    whole = _made().build_explanation()

    def run(report, check):
        for step in range(steps):
            check()
            report(replace(whole, status=Status("running", step, steps, f"step {step} of {steps}")))
            time.sleep(0.1)
        return whole

    return ExplanationWidget(ExplanationJob(run), text=whole.text, model=whole.model)


def own():
    """A user's semiring and the real model."""
    import semiring_widgets as sw

    path = Path(__file__).parents[1] / "own_semirings.py"
    spec = importlib.util.spec_from_file_location("semiring_widgets_own", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model, tokenizer = sw.load_demo()
    return sw.explain(model, tokenizer, TEXT, target="are", contrast="is", semiring=module.Collision())


def real():
    import semiring_widgets as sw

    model, tokenizer = sw.load_demo()
    return sw.explain(model, tokenizer, TEXT, target="are", contrast="is")


def selected(through):
    """The same paths by the core alone: share of the mass, and contribution relative to the mask."""
    import math

    import semiring_widgets as sw

    model, tokenizer = sw.load_demo()
    encoded = tokenizer(TEXT, return_tensors="pt")
    embeddings = model.get_input_embeddings()(encoded.input_ids).detach()
    position = encoded.input_ids[0].tolist().index(tokenizer.mask_token_id)
    good, bad = tokenizer.convert_tokens_to_ids(["are", "is"])
    with sw.record() as tape:
        logits = model(inputs_embeds=embeddings, attention_mask=encoded.attention_mask).logits
        score = logits[0, position, good] - logits[0, position, bad]
    paths = sw.select_paths(tape, score, embeddings, through=through)
    mask = model.get_input_embeddings().weight[tokenizer.mask_token_id].detach()
    return math.exp(paths.log_share), paths.contribution(embeddings - mask)


def real_comparison():
    import semiring_widgets as sw

    model, tokenizer = sw.load_demo()
    return sw.compare(model, tokenizer, TEXT, target="are", contrast="is", methods=["Saliency", "path max"])
