"""Inputs by kind of model, and one number of the output to explain."""

import inspect

import torch

from tests.core.zoo.picturing import picture
from tests.core.zoo.shrinking import TOKENS, WIDTH, first_of, normal

IDS = torch.tensor([[5, 9, 3, 7, 11, 2, 8]])


# What some image models take besides.
BESIDE_IMAGES = {name: {"noise": normal(1, 16)} for name in ("ViTMAEModel", "ViTMAEForPreTraining")}


def parameters_of(model):
    return inspect.signature(model.forward).parameters


def feed(kind, model):
    """Inputs that paths start from, and the call that takes them."""
    if kind == "embeds":
        # CTRL writes into the embeddings that it is given.
        return [normal(1, TOKENS, WIDTH)], lambda x: model(inputs_embeds=x[0].clone())
    if kind == "seq2seq":
        inputs = [normal(1, TOKENS, WIDTH), normal(1, 3, WIDTH)]
        return inputs, lambda x: model(inputs_embeds=x[0], decoder_inputs_embeds=x[1])
    if kind == "image":
        extra = BESIDE_IMAGES.get(type(model).__name__, {})
        pixels = normal(1, getattr(getattr(model.config, "backbone_config", None), "num_channels", 3), 32, 32)
        return [pixels], lambda x: model(pixel_values=x[0], **extra)
    if kind == "video":
        frames = first_of(model.config, "num_frames", "frames_per_clip")
        name = next(n for n in ("pixel_values", "pixel_values_videos") if n in parameters_of(model))
        return [normal(1, frames, 3, 32, 32)], lambda x: model(**{name: x[0]})
    if kind == "clip":
        everything = torch.ones_like(IDS)
        return [normal(1, 3, 32, 32)], lambda x: model(
            input_ids=IDS, pixel_values=x[0], attention_mask=everything
        )
    if kind == "audio":
        return [normal(1, 600)], lambda x: model(input_values=x[0])
    if kind == "frames":
        size = first_of(
            model.config, "feature_projection_input_dim", "num_mel_bins", "input_feat_per_channel"
        )
        name = next(n for n in ("input_features", "input_values") if n in parameters_of(model))
        words = {"decoder_input_ids": IDS[:, :3]} if model.config.is_encoder_decoder else {}
        return [normal(1, 24, size)], lambda x: model(**{name: x[0]}, **words)
    if kind == "features":
        mels = normal(1, model.config.num_mel_bins, 24)
        return [mels], lambda x: model(input_features=x[0], decoder_input_ids=IDS[:, :3])
    if kind == "pictured":
        return picture(model)
    raise KeyError(kind)


RESULTS = (
    *("logits", "logits_per_image", "last_hidden_state", "image_embeds", "predicted_depth", "reconstruction"),
    *("class_queries_logits", "pred_masks", "logits_per_audio", "audio_values", "image_embeddings"),
    *("spectrogram", "waveform", "audio_codes", "alphas", "prediction_outputs", "mean_predictions"),
)


def weigh(output):
    """A fixed random combination of the main output, so that every one of its numbers counts."""
    values = next(output[name] for name in RESULTS if output.get(name) is not None)
    weights = torch.randn(values.shape[-2:], generator=torch.Generator().manual_seed(3))
    return (values * weights).sum()
