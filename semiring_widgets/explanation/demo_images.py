"""The embedded image models: a small CNN and a small ViT that name the shape of the red object.

Their script is in ``examples/train_image_models`` of the repository, their pictures come from
`semiring_widgets.tasks.shape_scenes`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from semiring_widgets.checks import choice
from semiring_widgets.explanation.demo import without_progress_bar

__all__ = ["load_demo_image"]

_HOME = Path(__file__).with_name("embedded_images")
_KINDS = ("vit", "cnn")
_SIZE = 48


def load_demo_image(kind: str = "vit") -> tuple[Any, Any]:
    """An embedded image model and its image processor, offline.

    Args:
        kind: ``"vit"``, a vision transformer of 3 layers, 4 heads and 8 x 8 patches, or ``"cnn"``, a residual
            network whose last feature map has 6 x 6 places.

    Returns:
        ``(ViTForImageClassification or ResNetForImageClassification, ViTImageProcessor)``, both of the
        transformers library; the model is in eval mode. Pictures have 48 x 48 pixels.

    Raises:
        InputError: an unknown kind.

    Example:
        >>> model, processor = load_demo_image("cnn")
        >>> scene = sw.tasks.shape_scenes(1)[0]
        >>> logits = model(**processor(images=scene.image, return_tensors="pt")).logits
        >>> model.config.id2label[int(logits.argmax())] == sw.tasks.SHAPES[scene.label]
        True
    """
    import transformers

    kind = choice(kind, "kind", _KINDS)
    names = {"vit": "ViTForImageClassification", "cnn": "ResNetForImageClassification"}
    with without_progress_bar():
        model = getattr(transformers, names[kind]).from_pretrained(_HOME / kind, local_files_only=True)
    # The one that needs no torchvision has this name from version 5 on.
    name = "ViTImageProcessorPil" if hasattr(transformers, "ViTImageProcessorPil") else "ViTImageProcessor"
    made = getattr(transformers, name)(
        size={"height": _SIZE, "width": _SIZE}, image_mean=[0.5] * 3, image_std=[0.5] * 3, do_resize=True
    )
    return model.eval(), made
