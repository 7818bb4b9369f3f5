"""The model classes: what each is fed, what its configuration changes, how many attentions to expect."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One class.

    Attributes:
        name: class of transformers.
        kind: what it is fed, see `feeding`.
        changes: configuration fields that differ from `shrinking.SIZES`.
        attentions: heads of each attention on a path; None means four heads in each of the two layers
            (encoder-decoder: two self-attentions, then two of self- and cross-attention).
    """

    name: str
    kind: str
    changes: dict = field(default_factory=dict)
    attentions: tuple[int, ...] | None = None

    @property
    def expected(self):
        if self.attentions is not None:
            return self.attentions
        return (4,) * (6 if self.kind == "seq2seq" else 2)


def rows(kind, names, **changes):
    return [Row(name, kind, changes) for name in names.split()]


NONE = ()
SWIN = {"depths": [1, 1], "num_heads": [2, 4], "embed_dim": 32, "window_size": 4, "patch_size": 4}
STAGES = {"depths": [1, 1], "hidden_sizes": [8, 16]}
PYRAMID = {**STAGES, "num_encoder_blocks": 2, "num_attention_heads": [1, 2], "mlp_ratios": [2, 2]}
PATCHES = {"patch_sizes": [7, 3], "strides": [4, 2]}
WAVES = {
    "conv_dim": [8, 8],
    "conv_kernel": [10, 4],
    "conv_stride": [8, 4],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
LATENT = {
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 4,
    "v_head_dim": 8,
    "kv_lora_rank": 8,
    "q_lora_rank": 8,
    "n_group": 1,
    "topk_group": 1,
    "head_dim": 4,
    "num_key_value_heads": 4,
    "first_k_dense_replace": 1,
}

SCANS = {"num_heads": 8, "head_dim": 8, "state_size": 8, "n_groups": 1, "chunk_size": 4, "expand": 2}
RESIDUAL = {**STAGES, "embedding_size": 8}
WINDOWS = {
    "attention_window": [4, 4],
    "max_encoder_position_embeddings": 64,
    "max_decoder_position_embeddings": 64,
}
TWO_STREAMS = {"num_encoder_attention_heads": 4, "num_decoder_attention_heads": 4, "ngram": 2}

ENCODERS = [
    *rows("embeds", "BertForMaskedLM RobertaForMaskedLM DistilBertForMaskedLM AlbertForMaskedLM"),
    *rows("embeds", "ElectraForMaskedLM BigBirdForMaskedLM"),
    *rows("embeds", "MPNetForMaskedLM RoFormerForMaskedLM CamembertForMaskedLM XLMRobertaForMaskedLM"),
    *rows("embeds", "MobileBertForMaskedLM ModernBertForMaskedLM SqueezeBertForMaskedLM"),
    *rows("embeds", "NystromformerForMaskedLM LayoutLMForMaskedLM EsmForMaskedLM IBertForMaskedLM"),
    *rows("embeds", "MegatronBertForMaskedLM ErnieForMaskedLM XLNetLMHeadModel XLMWithLMHeadModel"),
    *rows("embeds", "FlaubertWithLMHeadModel NomicBertForMaskedLM EuroBertForMaskedLM"),
    *rows(
        "embeds",
        "DebertaForMaskedLM DebertaV2ForMaskedLM",
        relative_attention=True,
        pos_att_type=["c2p", "p2c"],
        max_relative_positions=8,
    ),
    # Fourier transforms over tokens and width in the place of attention.
    Row("FNetForMaskedLM", "embeds", {}, NONE),
    *rows("embeds", "RemBertForMaskedLM", input_embedding_size=32, output_embedding_size=32),
    *rows("embeds", "XmodForMaskedLM", default_language="en_XX"),
    *rows(
        "embeds",
        "RoCBertForMaskedLM LukeForMaskedLM MarkupLMForTokenClassification TapasForQuestionAnswering",
    ),
    *rows("embeds", "XLMRobertaXLForMaskedLM RobertaPreLayerNormForMaskedLM Data2VecTextForMaskedLM"),
    *rows("embeds", "T5EncoderModel JinaEmbeddingsV3ForMaskedLM YosoForMaskedLM"),
    Row("CanineForSequenceClassification", "embeds", {}, (4, 4, 4)),
    # It gives half of its heads to a convolution.
    Row("ConvBertForMaskedLM", "embeds", {}, (2, 2)),
    Row("LongformerForMaskedLM", "embeds", {"attention_window": 4}),
    Row("FunnelForMaskedLM", "embeds", {"block_sizes": [1, 1], "num_decoder_layers": 1}, (4, 4, 4)),
]
DECODERS = [
    *rows("embeds", "GPT2LMHeadModel GPTNeoXForCausalLM GPTBigCodeForCausalLM OpenAIGPTLMHeadModel"),
    *rows("embeds", "OPTForCausalLM FalconForCausalLM MptForCausalLM LlamaForCausalLM MixtralForCausalLM"),
    *rows("embeds", "GemmaForCausalLM Gemma2ForCausalLM Gemma3ForCausalLM Qwen2ForCausalLM"),
    *rows("embeds", "Qwen2MoeForCausalLM Qwen3ForCausalLM Qwen3MoeForCausalLM PhiForCausalLM"),
    *rows("embeds", "Phi3ForCausalLM PhimoeForCausalLM StableLmForCausalLM Starcoder2ForCausalLM"),
    *rows("embeds", "CohereForCausalLM Cohere2ForCausalLM OlmoForCausalLM Olmo2ForCausalLM"),
    *rows("embeds", "OlmoeForCausalLM GptOssForCausalLM GraniteForCausalLM GraniteMoeForCausalLM"),
    *rows("embeds", "NemotronForCausalLM PersimmonForCausalLM BioGptForCausalLM XGLMForCausalLM"),
    *rows("embeds", "GlmForCausalLM Glm4ForCausalLM HeliumForCausalLM SmolLM3ForCausalLM"),
    *rows("embeds", "JetMoeForCausalLM BitNetForCausalLM ApertusForCausalLM Exaone4ForCausalLM"),
    *rows("embeds", "SeedOssForCausalLM Ernie4_5ForCausalLM NanoChatForCausalLM ArceeForCausalLM"),
    *rows("embeds", "VaultGemmaForCausalLM BloomForCausalLM CwmForCausalLM"),
    *rows("embeds", "HunYuanDenseV1ForCausalLM Lfm2ForCausalLM MinistralForCausalLM Glm4MoeForCausalLM"),
    *rows("embeds", "GraniteMoeSharedForCausalLM AfmoeForCausalLM FlexOlmoForCausalLM"),
    *rows("embeds", "Ernie4_5_MoeForCausalLM ModernBertDecoderForCausalLM"),
    *rows("embeds", "MistralForCausalLM Olmo3ForCausalLM", sliding_window=3),
    *rows("embeds", "GPTNeoForCausalLM", attention_types=[[["global", "local"], 1]], window_size=4),
    *rows("embeds", "DogeForCausalLM"),
    *rows("embeds", "BertGenerationDecoder", is_decoder=True),
    *rows("embeds", "GPTJForCausalLM CodeGenForCausalLM", rotary_dim=4),
    # Positions by complex numbers.
    *rows("embeds", "DeepseekV2ForCausalLM DeepseekV3ForCausalLM", **LATENT),
    *rows("embeds", "Llama4ForCausalLM"),
    # Each attention is the difference of two.
    Row("DiffLlamaForCausalLM", "embeds", {}, (4, 4, 4, 4)),
    # One of its two layers has linear attention.
    Row("MiniMaxForCausalLM", "embeds", {}, (4,)),
    Row("MambaForCausalLM", "embeds", {}, NONE),
    Row("Mamba2ForCausalLM", "embeds", SCANS, NONE),
    Row("FalconMambaForCausalLM", "embeds", {}, NONE),
    Row(
        "RecurrentGemmaForCausalLM",
        "embeds",
        {"block_types": ["recurrent", "attention"], "lru_width": 32, "attention_window_size": 8},
        (4,),
    ),
    Row(
        "JambaForCausalLM",
        "embeds",
        {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_dt_rank": 4, "mamba_d_state": 4},
        (4,),
    ),
]
ENCODER_DECODERS = [
    *rows("seq2seq", "T5ForConditionalGeneration MT5ForConditionalGeneration UMT5ForConditionalGeneration"),
    *rows("seq2seq", "LongT5ForConditionalGeneration SwitchTransformersForConditionalGeneration"),
    *rows("seq2seq", "BartForConditionalGeneration MBartForConditionalGeneration MarianMTModel"),
    *rows("seq2seq", "PegasusForConditionalGeneration BlenderbotForConditionalGeneration"),
    *rows("seq2seq", "BlenderbotSmallForConditionalGeneration M2M100ForConditionalGeneration"),
    *rows("seq2seq", "NllbMoeForConditionalGeneration PLBartForConditionalGeneration"),
    *rows("seq2seq", "MvpForConditionalGeneration FSMTForConditionalGeneration"),
    Row("LEDForConditionalGeneration", "seq2seq", WINDOWS),
    # Each layer of its decoder has a second self-attention, of the streams that predict.
    Row("ProphetNetForConditionalGeneration", "seq2seq", TWO_STREAMS, (4,) * 8),
]
VISION = [
    *rows("image", "ViTForImageClassification DeiTForImageClassification BeitForImageClassification"),
    *rows("image", "Dinov2ForImageClassification Dinov2WithRegistersForImageClassification DPTModel"),
    *rows("image", "ViTMSNForImageClassification Data2VecVisionForImageClassification"),
    *rows("image", "IJepaForImageClassification CLIPVisionModelWithProjection SiglipVisionModel"),
    Row("SwinForImageClassification", "image", SWIN, (2, 4)),
    Row("Swinv2ForImageClassification", "image", SWIN, (2, 4)),
    Row("DonutSwinModel", "image", SWIN, (2, 4)),
    Row("ConvNextForImageClassification", "image", {**STAGES, "num_stages": 2}, NONE),
    Row("ConvNextV2ForImageClassification", "image", {**STAGES, "num_stages": 2}, NONE),
    Row("SegformerForImageClassification", "image", {**PYRAMID, **PATCHES, "sr_ratios": [2, 1]}, (1, 2)),
    Row("PvtV2ForImageClassification", "image", {**PYRAMID, **PATCHES, "sr_ratios": [2, 1]}, (1, 2)),
    Row(
        "PvtForImageClassification",
        "image",
        {**PYRAMID, "sequence_reduction_ratios": [2, 1], "patch_sizes": [4, 2], "strides": [4, 2]},
        (1, 2),
    ),
    Row(
        "FocalNetForImageClassification",
        "image",
        {**STAGES, "embed_dim": 8, "focal_levels": [1, 1], "focal_windows": [3, 3], "patch_size": 4},
        NONE,
    ),
    Row("ResNetForImageClassification", "image", RESIDUAL, NONE),
    Row("RegNetForImageClassification", "image", {**RESIDUAL, "groups_width": 8}, NONE),
    Row("MobileNetV2ForImageClassification", "image", {}, NONE),
    *rows("image", "DINOv3ViTModel Aimv2VisionModel PixtralVisionModel SamVisionModel"),
    # The last pools the patches, with a query of its own.
    Row("SiglipModel", "clip", {}, (4,) * 3),
    *rows("clip", "BlipForImageTextRetrieval OwlViTModel CLIPSegModel"),
    *rows("clip", "CLIPModel AltCLIPModel ChineseCLIPModel BlipModel"),
]
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
]
TABLE = [*ENCODERS, *DECODERS, *ENCODER_DECODERS, *VISION, *AUDIO]

# Layers that read their stream by more than skip, query, key and value; flow does not name the rest.
SIDE_WAYS = {
    "DebertaForMaskedLM": "contents by positions",
    "DebertaV2ForMaskedLM": "contents by positions",
    "SEWDForCTC": "contents by positions",
    "XLNetLMHeadModel": "a second query for relative positions",
    "FunnelForMaskedLM": "a second query for relative positions",
    "WavLMForCTC": "a gate of the position bias",
    "AfmoeForCausalLM": "a gate of the context",
    "SamVisionModel": "relative positions read the query a second time",
    "NystromformerForMaskedLM": "landmarks and a convolution of the values",
    "MobileBertForMaskedLM": "a narrowed stream beside the attention, on which its feed-forward parts stand",
    "ConvBertForMaskedLM": "a convolution beside the heads",
    "Wav2Vec2ConformerForCTC": "a convolution between attention and feed-forward part",
    "JetMoeForCausalLM": "a router of the experts that make queries",
    "DiffLlamaForCausalLM": "two attentions that share a stream",
}

# Words that meet by other means than attention, which no mask keeps apart.
MIXED = {
    "MobileBertForMaskedLM": "embeddings of three neighbours together",
    "NystromformerForMaskedLM": "landmarks and a convolution of the values",
    "ConvBertForMaskedLM": "a convolution beside the heads",
    "YosoForMaskedLM": "a mask of large negative numbers, which it takes for numbers of tokens",
    "TapasForQuestionAnswering": "an answer averaged over the words of a cell",
    "FSMTForConditionalGeneration": "a decoder that is causal only where it is given words, not embeddings",
}

# Attention and feed-forward part read the same stream; most are added to it one after the other.
PARALLEL = {
    *("CohereForCausalLM", "Cohere2ForCausalLM"),
    # These two are added to each other before they join the stream.
    *("GPTNeoXForCausalLM", "GPTJForCausalLM", "CodeGenForCausalLM", "FalconForCausalLM", "PhiForCausalLM"),
}

# Attentions without a feed-forward part of their own.
ABSENT = {
    # The self-attention of the second layer; that of the first reads only what is no input here.
    "WhisperForConditionalGeneration": 1,
    # After the two self-attentions of a layer of the decoder comes its cross-attention.
    "ProphetNetForConditionalGeneration": 4,
    # The attention that pools.
    "SiglipModel": 1,
}
