"""A network small enough for a test: nothing is fetched, and it reads a few words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = ("red blue green shoe shirt hat nike adidas puma men women kids good bad fine cheap soft warm old new").split()  # noqa: SIM905
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def tiny_bert(folder: Path, positions: int = 64) -> str:
    """Write a random BERT (hidden 32, 2 layers) with a tokenizer of WORDS and letters; return its folder."""
    from transformers import BertConfig, BertModel

    size = _tokenizer(folder, SPECIAL)
    config = BertConfig(
        vocab_size=size, max_position_embeddings=positions, pad_token_id=0, initializer_range=0.2, **SIZE
    )
    return _written(BertModel, config, folder)


def tiny_roberta(folder: Path, positions: int = 64) -> str:
    """Write a random RoBERTa of the same size: two of its positions stand before those of tokens."""
    from transformers import RobertaConfig, RobertaModel

    size = _tokenizer(folder, ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"])
    config = RobertaConfig(
        vocab_size=size, max_position_embeddings=positions, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        type_vocab_size=2, initializer_range=0.2, **SIZE,
    )  # fmt: skip
    return _written(RobertaModel, config, folder)


def _written(kind: Any, config: Any, folder: Path) -> str:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        kind(config).save_pretrained(folder)
    return str(folder)


def _tokenizer(folder: Path, special: list[str]) -> int:
    """Write the tokenizer; return how many ids it gives."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    vocab = {w: i for i, w in enumerate([*special, *WORDS, "##s", "##es", *"abcdefghijklmnopqrstuvwxyz|,."])}
    raw = Tokenizer(WordPiece(vocab, unk_token="[UNK]"))
    raw.normalizer, raw.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
    raw.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocab[token]) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    return len(vocab)
