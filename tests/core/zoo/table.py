"""All classes, and what is known of those whose layers are not like the others."""

from tests.core.zoo.audio import AUDIO
from tests.core.zoo.multimodal import MULTIMODAL
from tests.core.zoo.text import DECODERS, ENCODER_DECODERS, ENCODERS
from tests.core.zoo.vision import VISION
from tests.lanes import slow_but

TABLE = [*ENCODERS, *DECODERS, *ENCODER_DECODERS, *VISION, *AUDIO, *MULTIMODAL]

# One class of each way to build layers; the fast tests ask these, the slow ones all.
MECHANISMS = {
    "BertForMaskedLM": "one after the other",
    "GPT2LMHeadModel": "norms first",
    "CohereForCausalLM": "feed-forward part beside the attention",
    "GPTJForCausalLM": "both added to each other first",
    "DiffLlamaForCausalLM": "two attentions added to each other first",
    "ProphetNetForConditionalGeneration": "two self-attentions of one stream, and cross-attention",
    "T5ForConditionalGeneration": "cross-attention",
    "WhisperForConditionalGeneration": "a stream that begins with no input",
    "MobileBertForMaskedLM": "feed-forward part on a stream beside",
    "DebertaForMaskedLM": "positions by content",
    "DogeForCausalLM": "scaled skip connections, and a mask that is computed",
    "SqueezeBertForMaskedLM": "channels before tokens",
    "XLNetLMHeadModel": "tokens before examples",
    "LongformerForMaskedLM": "overlapping chunks",
    "SwinForImageClassification": "windows of an image",
    "SamVisionModel": "rows and columns",
    "Wav2Vec2ConformerForCTC": "a convolution between attention and feed-forward part",
    "FalconH1ForCausalLM": "a state-space mixer beside the attention",
    "Gemma3nForCausalLM": "a low-rank part beside the attention",
    "Qwen3NextForCausalLM": "a gate of the context, and linear attention",
    "Qwen3VLForConditionalGeneration": "two towers",
}


def by_lane(rows):
    """Rows as parameters of a test, marked slow where another class has the same mechanism."""
    return slow_but(rows, lambda row: row.name in MECHANISMS)


# Layers that read their stream by more than skip, query, key and value; flow does not name the rest.
SIDE_WAYS = {
    "DebertaForMaskedLM": "contents by positions",
    "DebertaV2ForMaskedLM": "contents by positions",
    "SEWDForCTC": "contents by positions",
    "XLNetLMHeadModel": "a second query for relative positions",
    "FunnelForMaskedLM": "a second query for relative positions",
    "WavLMForSequenceClassification": "a gate of the position bias",
    "Wav2Vec2BertForCTC": "relative positions read the query a second time",
    "WavLMForCTC": "a gate of the position bias",
    "AfmoeForCausalLM": "a gate of the context",
    "SamHQVisionModel": "relative positions read the query a second time",
    "SamVisionModel": "relative positions read the query a second time",
    "NystromformerForMaskedLM": "landmarks and a convolution of the values",
    "MobileBertForMaskedLM": "a narrowed stream beside the attention, on which its feed-forward parts stand",
    "ConvBertForMaskedLM": "a convolution beside the heads",
    "Wav2Vec2ConformerForCTC": "a convolution between attention and feed-forward part",
    "JetMoeForCausalLM": "a router of the experts that make queries",
    "DiffLlamaForCausalLM": "two attentions that share a stream",
    "Qwen3NextForCausalLM": "a gate of the context",
    "Qwen3_5ForCausalLM": "a gate of the context",
    "Qwen3_5MoeForCausalLM": "a gate of the context",
    "Gemma3nForCausalLM": "a low-rank part beside the attention",
    "Qwen3_5MoeForConditionalGeneration": "a gate of the context",
    "Qwen3_5ForConditionalGeneration": "a gate of the context",
    "GotOcr2ForConditionalGeneration": "relative positions read the query a second time",
    "FalconH1ForCausalLM": "a state-space mixer beside the attention",
}

# Modules that the lists speak of, in classes whose other layers are like those of most.
WHERE = {
    "AyaVisionForConditionalGeneration": "language_model",
    "Cohere2VisionForConditionalGeneration": "language_model",
    "GotOcr2ForConditionalGeneration": "vision_tower",
    "Qwen3_5ForConditionalGeneration": "language_model",
    "Qwen3_5MoeForConditionalGeneration": "language_model",
}

# What leaves the stream beside a feed-forward part and joins it later.
LATE = {"LongcatFlashForCausalLM": "experts that join after the next attention"}

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
    *("AyaVisionForConditionalGeneration", "Cohere2VisionForConditionalGeneration"),
    *("CohereForCausalLM", "Cohere2ForCausalLM", "Cohere2MoeForCausalLM"),
    # These two are added to each other before they join the stream.
    *("GPTNeoXForCausalLM", "GPTJForCausalLM", "CodeGenForCausalLM", "FalconForCausalLM", "PhiForCausalLM"),
}

# Attentions without a feed-forward part of their own.
ABSENT = {
    # The self-attention of the second layer; that of the first reads only what is no input here.
    **dict.fromkeys(["WhisperForConditionalGeneration", "Speech2TextForConditionalGeneration"], 1),
    # After the two self-attentions of a layer of the decoder comes its cross-attention.
    "ProphetNetForConditionalGeneration": 4,
    # Its feed-forward part stands on the attention itself, without a skip connection.
    "Zamba2ForCausalLM": 1,
    # The attention that pools queries: the stream goes round it through a product.
    "HieraForImageClassification": 1,
    # Time and space are laid out anew between an attention and its skip connection, which is not found.
    "TimesformerForVideoClassification": 4,
    # In a layer of the decoder, whichever attention comes first.
    "Mask2FormerForUniversalSegmentation": 2,
    **dict.fromkeys(
        [f"{name}ForObjectDetection" for name in ("Detr", "ConditionalDetr", "DabDetr", "TableTransformer")],
        1,
    ),
    # Queries and words of the instruction attend together, and have a feed-forward part each.
    "InstructBlipForConditionalGeneration": 1,
    # The attention whose queries gather an image has no skip connection.
    "AriaForConditionalGeneration": 1,
    # The attention that pools.
    "SiglipModel": 1,
}
