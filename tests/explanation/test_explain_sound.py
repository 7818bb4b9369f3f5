"""`explain_sound`: the same questions as of a picture, along time."""

import re

import numpy as np
import pytest
import torch
import transformers

import semiring_widgets as sw

SAMPLES, FRAMES = 480, 4


def wav2vec2(kernels=(8, 4)):
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=(8, 8), conv_stride=(8, 4), conv_kernel=kernels, num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2, num_feat_extract_layers=2, classifier_proj_size=8, num_labels=3,
    )  # fmt: skip
    return transformers.Wav2Vec2ForSequenceClassification(config).eval()


@pytest.fixture(scope="module")
def explained():
    model = wav2vec2()
    sound = torch.randn(SAMPLES) / 4
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=False)
    found = sw.explain_sound(model, extractor, sound.numpy(), 1, 2, frames=FRAMES, routes=2)

    def score(x):
        logits = model(input_values=x).logits
        return logits[:, 1] - logits[:, 2]

    return found, score, sound[None]


@torch.no_grad()
def test_effects_equal_a_loop_over_the_frames(explained):
    found, score, sound = explained
    by_hand = []
    for frame in range(FRAMES):
        silent = sound.clone()
        silent[:, frame * SAMPLES // FRAMES : (frame + 1) * SAMPLES // FRAMES] = 0
        by_hand.append(float(score(sound) - score(silent)))
    table = found.effects()
    np.testing.assert_allclose(table.effect, by_hand, atol=1e-5)
    np.testing.assert_allclose(table.start, np.arange(FRAMES) * SAMPLES / FRAMES / 16_000)


@torch.no_grad()
def test_contributions_sum_to_the_difference_from_silence(explained):
    found, score, sound = explained
    difference = float(score(sound) - score(0 * sound))
    assert found.effects().contribution.sum() == pytest.approx(difference, abs=1e-4)
    assert found.effects().mass_share.sum() == pytest.approx(1, abs=1e-4)


def test_the_attention_is_told_by_frames_of_the_model(explained):
    found, _, _ = explained
    (layer,) = found.layers
    # 480 samples, by convolutions of width 8 and stride 8, and 4 and 4.
    assert (layer.kind, layer.rows, layer.columns, layer.heads) == ("attention", 1, 15, 2)
    assert found.layer_map(0, 1).shape == (1, layer.columns)
    assert found.routes
    assert all(cell < layer.columns for route in found.routes for cell in route.cells)


def test_what_is_saved_is_read_back(explained, tmp_path):
    found, _, _ = explained
    found.save(tmp_path / "sound.npz")
    again = sw.SoundExplanation.load(tmp_path / "sound.npz")
    assert again.rate == found.rate
    assert again.dataset.identical(found.dataset)


@pytest.mark.parametrize(
    ("sound", "more", "message"),
    [
        (torch.zeros(2, 8), {}, "one channel"),
        (torch.zeros(8, dtype=torch.int64), {}, "one channel"),
        (torch.full((8,), torch.inf), {}, "NaN or infinity"),
        (torch.ones(64), {"reference": "mask"}, "'zero' .silence. or 'mean'"),
        (torch.ones(64), {"reference": torch.ones(8)}, "give as many"),
        (torch.ones(64), {"frames": 65}, "frames is 65"),
    ],
)
def test_errors_say_what_to_do(sound, more, message):
    model = torch.nn.Sequential(torch.nn.Linear(64, 3)).eval()
    with pytest.raises(sw.SemiringWidgetsError, match=message):
        sw.explain_sound(model, None, sound, target=1, **more)


@pytest.mark.parametrize(
    ("processor", "sound", "message"),
    [
        (transformers.Wav2Vec2FeatureExtractor(), np.zeros(64, dtype=np.int16), "whole numbers.*/ 32768"),
        (
            lambda sound: {"input_features": sound},
            torch.ones(64),
            "returned input_features, and no input_val",
        ),
    ],
)
def test_sounds_that_would_be_misread_are_refused(processor, sound, message):
    model = torch.nn.Sequential(torch.nn.Linear(64, 3)).eval()
    with pytest.raises(sw.SemiringWidgetsError, match=message):
        sw.explain_sound(model, processor, sound, target=1)


def test_frames_are_those_of_the_model_at_the_rate_of_its_processor():
    model = wav2vec2(kernels=(10, 4))
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=8_000, do_normalize=False)

    class Processor:
        feature_extractor = extractor

        def __call__(self, *given, **named):
            return extractor(*given, **named)

    sound = torch.randn(SAMPLES).numpy() / 4
    found = sw.explain_sound(model, Processor(), sound, 1, 2, routes=0)
    assert found.rate == 8_000
    # 59 are left by the first convolution, and 14 by the second.
    assert found.grid.shape == (1, found.layers[0].columns) == (1, 14)


def test_the_answer_names_frames_once(explained):
    found, _, _ = explained
    assert " without frame " in found.answer
    assert "the frame in frame" not in found.answer


@pytest.mark.parametrize(("frames", "name"), [(4, "model frame"), (15, "frame")])
def test_routes_tell_frames_of_the_model_from_those_that_are_tested(frames, name):
    sound = torch.randn(SAMPLES, generator=torch.Generator().manual_seed(0))
    found = sw.explain_sound(wav2vec2(), None, sound, 1, 2, frames=frames, routes=20)
    (text, *_) = [route.text for route in found.routes if len(route.heads) == 1]
    assert re.fullmatch(rf"Head \S+ carries {name} \d+ to {name} \d+\.", text)
