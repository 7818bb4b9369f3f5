"""Small models whose path statistics can be enumerated by hand, and a toy language model."""

import pytest
import torch
from torch import nn


class Mlp(nn.Module):
    """x (B, 4) -> relu -> (B, 3): the paths from unit i to class t are the hidden units that are on."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 5)
        self.act = nn.ReLU()
        self.second = nn.Linear(5, 3)

    def forward(self, x):
        return self.second(self.act(self.first(x)))

    def path_weights(self, x, target):
        """All path weights, shape (hidden, inputs), of one example of shape (4,)."""
        on = (self.first(x) > 0).to(x.dtype)
        return (self.second.weight[target] * on)[:, None] * self.first.weight


@pytest.fixture
def mlp():
    torch.manual_seed(0)
    return Mlp().double().eval()


@pytest.fixture
def x():
    torch.manual_seed(1)
    return torch.randn(2, 4, dtype=torch.float64)


WORDS = ["the", "keys", "to", "cabinet", "are", "is", "on", "table", "a", "dog", "barks", "loudly"]


@pytest.fixture(scope="session")
def tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    raw = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


@pytest.fixture
def bert(tokenizer):
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        initializer_range=0.5,
    )
    return BertForMaskedLM(config).eval()


@pytest.fixture
def gpt2(tokenizer):
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=32,
        n_embd=8,
        n_layer=2,
        n_head=2,
        initializer_range=0.5,
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
    )
    return GPT2LMHeadModel(config).eval()
