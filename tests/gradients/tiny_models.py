"""Tiny random models of every architecture that must work, with a batch of padded samples for each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import transformers as hf
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

N, T, CLASSES, VOCABULARY = 5, 9, 3, 60
LENGTHS = (9, 4, 7, 2, 6)
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "num_labels": CLASSES,
    "pad_token_id": 0,
    "max_position_embeddings": 40,
}
DECODER = {"num_key_value_heads": 1, "head_dim": 8}
DEBERTA = {"relative_attention": True, "position_buckets": 4, "pos_att_type": ["p2c", "c2p"]}


def _encoder(config: type[Any], model: type[Any], **more: Any) -> Callable[[], nn.Module]:
    return lambda: model(config(**{**SMALL, **more}))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "bert": _encoder(hf.BertConfig, hf.BertForSequenceClassification),
    "roberta": _encoder(hf.RobertaConfig, hf.RobertaForSequenceClassification),
    "xlm_roberta": _encoder(hf.XLMRobertaConfig, hf.XLMRobertaForSequenceClassification),
    "distilbert": lambda: hf.DistilBertForSequenceClassification(
        hf.DistilBertConfig(
            vocab_size=VOCABULARY, dim=16, n_layers=2, n_heads=2, hidden_dim=24, num_labels=CLASSES,
            pad_token_id=0, max_position_embeddings=40,
        )
    ),
    "electra": _encoder(hf.ElectraConfig, hf.ElectraForSequenceClassification, embedding_size=8),
    "deberta_v2": _encoder(hf.DebertaV2Config, hf.DebertaV2ForSequenceClassification, **DEBERTA),
    "deberta_v3": _encoder(
        hf.DebertaV2Config, hf.DebertaV2ForSequenceClassification,
        **DEBERTA, share_att_key=True, norm_rel_ebd="layer_norm", position_biased_input=False, type_vocab_size=0,
    ),
    "modernbert": _encoder(
        hf.ModernBertConfig, hf.ModernBertForSequenceClassification,
        norm_bias=True, attention_bias=True, classifier_bias=True, bos_token_id=1, eos_token_id=2, cls_token_id=1,
        sep_token_id=2,
    ),
    "gpt2": lambda: hf.GPT2ForSequenceClassification(
        hf.GPT2Config(
            vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=2, n_positions=40, num_labels=CLASSES, pad_token_id=0,
            bos_token_id=1, eos_token_id=2,
        )
    ),
    "qwen2": _encoder(hf.Qwen2Config, hf.Qwen2ForSequenceClassification, **DECODER),
    "qwen3": _encoder(hf.Qwen3Config, hf.Qwen3ForSequenceClassification, **DECODER),
    "gemma": _encoder(hf.GemmaConfig, hf.GemmaForSequenceClassification, **DECODER),
    "bert_tagging": _encoder(hf.BertConfig, hf.BertForTokenClassification),
    "bert_masked_lm": _encoder(hf.BertConfig, hf.BertForMaskedLM),
}  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """Padded samples: ids and mask (n, t), labels (n,) or (n, t) with -100 where there is none."""

    ids: Tensor
    mask: Tensor
    labels: Tensor

    def take(self, rows: Any) -> Batch:
        return Batch(self.ids[rows], self.mask[rows], self.labels[rows])

    def padded(self, more: int) -> Batch:
        tokens = [F.pad(self.ids, (0, more)), F.pad(self.mask, (0, more))]
        labels = F.pad(self.labels, (0, more), value=-100) if self.labels.dim() == 2 else self.labels
        return Batch(tokens[0], tokens[1], labels)

    @property
    def n(self) -> int:
        return len(self.ids)


def make(name: str, dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[nn.Module, Batch]:
    """Return a model in eval mode (no dropout), with weights far from their symmetric start, and a batch."""
    torch.manual_seed(seed)
    model = MODELS[name]().to(dtype).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return model, batch(tokens="tagging" in name or "masked" in name, seed=seed)


def batch(tokens: bool, seed: int = 0) -> Batch:
    drawn = torch.Generator().manual_seed(seed)
    mask = (torch.arange(T) < torch.tensor(LENGTHS).unsqueeze(1)).long()
    ids = torch.randint(3, VOCABULARY, (N, T), generator=drawn) * mask
    ids[:, 1] = ids[:, 0]  # a token twice in a sample
    if not tokens:
        return Batch(ids, mask, torch.randint(0, CLASSES, (N,), generator=drawn))
    labels = torch.randint(0, CLASSES, (N, T), generator=drawn)
    return Batch(ids, mask, labels.masked_fill(mask == 0, -100))


class Wide(TorchFunctionMode):
    """Computes in float64 what the code of a model asks to have in float32, as decoders do with norms and rotations."""

    def __torch_function__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        def wide(value: Any) -> Any:
            return torch.float64 if value is torch.float32 else value

        function = Tensor.double if function is Tensor.float else function
        return function(*map(wide, args), **{name: wide(value) for name, value in (kwargs or {}).items()})


def losses(model: nn.Module, of: Batch) -> Tensor:
    """Return (n,) losses, the mean over a sample's own labels; of a float64 model in float64 throughout."""
    double = next(model.parameters()).dtype == torch.float64
    with Wide() if double else nullcontext():
        logits = model(input_ids=of.ids, attention_mask=of.mask).logits
    if of.labels.dim() == 1:
        return F.cross_entropy(logits, of.labels, reduction="none")
    by_token = F.cross_entropy(logits.transpose(1, 2), of.labels, reduction="none", ignore_index=-100)
    return by_token.sum(1) / (of.labels != -100).sum(1)
