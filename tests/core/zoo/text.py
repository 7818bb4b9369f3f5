"""Classes that read text."""

from tests.core.zoo.row import NONE, Row, rows

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
# State-space mixers beside or between attentions.
MIXER = {
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_d_state": 8,
    "mamba_n_groups": 1,
    "mamba_chunk_size": 4,
}
# Two layers, the first with linear attention by the delta rule.
DELTA = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
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
    *rows("embeds", "VisualBertModel"),
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
    *rows("embeds", "Ministral3ForCausalLM SolarOpenForCausalLM ExaoneMoeForCausalLM Jais2ForCausalLM"),
    *rows("embeds", "GPTNeoXJapaneseForCausalLM CTRLLMHeadModel MiMoV2FlashForCausalLM ImageGPTModel"),
    *rows("embeds", "HunYuanMoEV1ForCausalLM", moe_topk=2),
    *rows("embeds", "MiniMaxM2ForCausalLM Cohere2MoeForCausalLM"),
    *rows("embeds", "Dots1ForCausalLM", first_k_dense_replace=1, n_shared_experts=1),
    *rows("embeds", "Glm4MoeLiteForCausalLM Mistral4ForCausalLM YoutuForCausalLM", **LATENT),
    *rows("embeds", "MiniCPM3ForCausalLM DeepseekV32ForCausalLM", **LATENT),
    Row("LongcatFlashForCausalLM", "embeds", {**LATENT, "num_layers": 1, "num_hidden_layers": 2}),
    # They write what was heard, or a picture shows.
    *rows("embeds", "TrOCRForCausalLM MusicgenMelodyForCausalLM MoshiForCausalLM"),
    # Four streams, of which one is read; a low-rank part beside each attention.
    Row(
        "Gemma3nForCausalLM",
        "embeds",
        {
            "laurel_rank": 4,
            "altup_num_inputs": 2,
            "hidden_size_per_layer_input": 4,
            "num_kv_shared_layers": 0,
            "activation_sparsity_pattern": [0.5, 0.0],
            "layer_types": ["sliding_attention", "full_attention"],
        },
    ),
    Row(
        "Gemma4ForCausalLM",
        "embeds",
        {
            "global_head_dim": 8,
            "hidden_size_per_layer_input": 0,
            "num_kv_shared_layers": 0,
            "layer_types": ["sliding_attention", "full_attention"],
        },
    ),
    # Linear attention in one of two layers.
    *[Row(name, "embeds", DELTA, (4,)) for name in ("Qwen3NextForCausalLM", "Qwen3_5ForCausalLM")],
    Row("Qwen3_5MoeForCausalLM", "embeds", DELTA, (4,)),
    Row("OlmoHybridForCausalLM", "embeds", {**DELTA, "linear_num_key_heads": 4}, (4,)),
    Row(
        "KimiLinearForCausalLM",
        "embeds",
        {
            **LATENT,
            "q_lora_rank": None,
            "layer_types": ["linear_attention", "full_attention"],
            "linear_head_dim": 8,
            "linear_num_heads": 4,
            "mlp_layer_types": ["dense", "sparse"],
        },
        (4,),
    ),
    # State-space layers, some with attention beside or between.
    Row("RwkvForCausalLM", "embeds", {"attention_hidden_size": 32, "use_cache": False}, NONE),
    Row(
        "xLSTMForCausalLM",
        "embeds",
        {"num_heads": 4, "chunk_size": 8, "qk_dim_factor": 0.5, "use_cache": False},
        NONE,
    ),
    Row("FalconH1ForCausalLM", "embeds", {**MIXER, "mamba_d_ssm": 64}),
    Row("BambaForCausalLM", "embeds", {**MIXER, "attn_layer_indices": [1]}, (4,)),
    Row(
        "GraniteMoeHybridForCausalLM",
        "embeds",
        {**MIXER, "layer_types": ["mamba", "attention"], "shared_intermediate_size": 24},
        (4,),
    ),
    Row(
        "Lfm2MoeForCausalLM",
        "embeds",
        {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
        (4,),
    ),
    Row(
        "NemotronHForCausalLM",
        "embeds",
        {
            "layers_block_type": ["mamba", "attention", "mlp"],
            "num_hidden_layers": 3,
            "mamba_num_heads": 4,
            "mamba_head_dim": 16,
            "ssm_state_size": 8,
            "n_groups": 1,
            "chunk_size": 4,
        },
        (4,),
    ),
    Row(
        "Zamba2ForCausalLM",
        "embeds",
        {
            "layers_block_type": ["mamba", "hybrid"],
            "num_mem_blocks": 1,
            "mamba_ngroups": 1,
            "mamba_d_state": 8,
            "mamba_headdim": 16,
            "n_mamba_heads": 4,
            "chunk_size": 4,
        },
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
    *rows("seq2seq", "BigBirdPegasusForConditionalGeneration", attention_type="original_full"),
    *rows("seq2seq", "T5GemmaForConditionalGeneration"),
]
