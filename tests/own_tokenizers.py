"""Tokenizers of every kind, small enough to be read: their vocabularies are the words given."""

import transformers
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
LETTERS = "abcdefghijklmnopqrstuvwxyz.,"


def byte_level(words, *, swallows=True, prefix=False, signs="", mask="<mask>"):
    """As GPT-2 and RoBERTa have it; a word with a blank before it is another token than one without.

    Args:
        words: pieces of more than one byte.
        swallows: whether the mask takes the blank before it.
        prefix: whether a text begins with a blank that is not there.
        signs: ``"<s></s>"``: what is put around a text; ``"</s>"``: what is put after it.
        mask: the mask token, or None.
    """
    table = bytes_to_unicode()
    pieces = ["".join(table[byte] for byte in word.encode()) for word in words]
    vocabulary = dict.fromkeys([*SPECIAL, *table.values(), *pieces])
    made = Tokenizer(
        models.BPE({piece: index for index, piece in enumerate(vocabulary)}, [], ignore_merges=True)
    )
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    made.decoder = decoders.ByteLevel()
    # transformers 4 sets the rule of what it is handed to this argument.
    return _finished(made, signs, swallows, mask, **({"add_prefix_space": True} if prefix else {}))


def sentence_piece(words, *, swallows=True, signs="", byte_fallback=False, mask="<mask>"):
    """As XLM-R and Llama have it: ``▁`` stands for a blank, and a text begins with one."""
    letters = [*LETTERS, "▁"]
    spare = [f"<0x{byte:02X}>" for byte in range(256)] if byte_fallback else []
    pieces = [word.replace(" ", "▁") for word in words]
    # Each once: older tokenizers leave a hole among the ids where a piece is there twice.
    scored = (
        dict.fromkeys(SPECIAL, 0.0) | dict.fromkeys([*spare, *letters], -20.0) | dict.fromkeys(pieces, -1.0)
    )
    made = Tokenizer(models.Unigram([*scored.items()], unk_id=3, byte_fallback=byte_fallback))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    parts = [decoders.ByteFallback()] if byte_fallback else []
    made.decoder = decoders.Sequence([*parts, decoders.Metaspace()])
    return _finished(made, signs, swallows, mask)


def word_piece(words, *, signs="[CLS][SEP]", uncased=False):
    """As BERT has it: ``##`` begins what goes on with a word, and blanks are forgotten."""
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    vocabulary = {piece: index for index, piece in enumerate([*special, *LETTERS, *words])}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=uncased)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    if signs:
        made.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]",
        mask_token="[MASK]", model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip


def word_ends(words):
    """As OpenAI's first GPT has it: ``</w>`` ends a word, and blanks are forgotten."""
    made = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(
        special_tokens=list(SPECIAL),
        end_of_word_suffix="</w>",
        initial_alphabet=list(LETTERS),
        show_progress=False,
    )
    made.train_from_iterator([" ".join(words)] * 3, trainer)
    made.decoder = decoders.BPEDecoder(suffix="</w>")
    return _finished(made, "", True, "<mask>")


def _finished(made, signs, swallows, mask, **more):
    if signs:
        begins, ends = ("<s> " if "<s>" in signs else ""), (" </s>" if "</s>" in signs else "")
        made.post_processor = processors.TemplateProcessing(
            single=f"{begins}$A{ends}",
            pair=f"{begins}$A{ends}{ends} $B{ends}" if ends else f"{begins}$A $B",
            special_tokens=[("<s>", 1), ("</s>", 2)],
        )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        **({} if mask is None else {"mask_token": AddedToken(mask, lstrip=swallows)}), **more,
    )  # fmt: skip


def llama(words, *, prepends=True):
    """As Llama and Gemma have it: merges over ``▁``, else single bytes; Llama's begin with a blank."""
    spare = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = [word.replace(" ", "▁") for word in words]
    parts = [piece[:end] for piece in pieces for end in range(1, len(piece) + 1)]
    letters = [letter for piece in pieces for letter in piece]
    vocabulary = dict.fromkeys([*SPECIAL, *spare, *LETTERS, "▁", *letters, *parts])
    merges = dict.fromkeys((piece[:end], piece[end]) for piece in pieces for end in range(1, len(piece)))
    made = Tokenizer(
        models.BPE(
            {piece: index for index, piece in enumerate(vocabulary)}, list(merges),
            unk_token="<unk>", byte_fallback=True, fuse_unk=True,
        )
    )  # fmt: skip
    before = [normalizers.Prepend("▁")] if prepends else []
    made.normalizer = normalizers.Sequence([*before, normalizers.Replace(" ", "▁")])
    after = [decoders.Strip(" ", 1, 0)] if prepends else []
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *after]
    )
    return _finished(made, "<s>", False, None)
