"""Small answers about a picture and a sound, of models that are made on the spot."""

import functools

import torch

import semiring_widgets as sw


@functools.cache
def cell_results():
    """One result of each kind, by kind."""
    torch.manual_seed(0)
    sees = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 2)
    ).eval()
    image, hears = torch.rand(3, 12, 12), torch.nn.Linear(64, 2).eval()
    results = (
        sw.explain_image(sees, None, image, 1, grid=3),
        sw.compare_image(sees, None, image, 1, grid=3, methods=["effect", "GradCAM"]),
        sw.explain_sound(hears, None, torch.randn(64), 1, frames=4),
    )
    return {result.kind: result for result in results}
