"""Classes that read sound."""

from tests.core.zoo.row import Row, rows

WAVES = {
    "conv_dim": [8, 8],
    "conv_kernel": [10, 4],
    "conv_stride": [8, 4],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}

AUDIO = [
    *rows("audio", "Wav2Vec2ForCTC HubertForCTC WavLMForCTC UniSpeechForCTC UniSpeechSatForCTC", **WAVES),
    *rows("audio", "Wav2Vec2ConformerForCTC SEWForCTC Data2VecAudioForCTC", **WAVES),
    Row("SEWDForCTC", "audio", WAVES),
    # The encoder's self-attentions and the decoder's cross-attentions; the first layer of the decoder reads
    # only its own embeddings, which are no input here, so one self-attention is on no path.
    Row(
        "WhisperForConditionalGeneration",
        "features",
        {"max_source_positions": 12, "num_mel_bins": 8},
        (4,) * 5,
    ),
    *rows(
        "audio",
        "Wav2Vec2ForSequenceClassification HubertForSequenceClassification WavLMForSequenceClassification",
        classifier_proj_size=16,
        **WAVES,
    ),
    *rows(
        "frames",
        "ASTForAudioClassification",
        max_length=24,
        num_mel_bins=16,
        time_stride=8,
        frequency_stride=8,
    ),
    *rows(
        "frames",
        "Wav2Vec2BertForCTC",
        feature_projection_input_dim=16,
        position_embeddings_type="relative_key",
    ),
    # As Whisper.
    Row(
        "Speech2TextForConditionalGeneration",
        "frames",
        {"conv_channels": 16, "input_feat_per_channel": 8, "max_source_positions": 64},
        (4,) * 5,
    ),
]
