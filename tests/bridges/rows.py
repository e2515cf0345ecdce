"""Tiny data and networks that the tests of bridges share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

CLASSES, LENGTH, WORDS = 3, 6, 40


def rows(n: int = 24, seed: int = 0, wrong: int = 0) -> list[dict[str, Any]]:
    """Return n rows whose first token gives the label; the first ``wrong`` of them carry another one."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        label = i % CLASSES
        ids = [label + 1, *rng.integers(CLASSES + 1, WORDS, LENGTH - 1).tolist()]
        given = (label + 1) % CLASSES if i < wrong else label
        out.append({"input_ids": ids, "attention_mask": [1] * LENGTH, "labels": given, "text": "保温杯"})
    return out


def network(kind: str = "bert", dropout: float = 0.0, **more: Any) -> Any:
    """Return a random network of the kind, the same each time."""
    import torch
    import transformers as t

    torch.manual_seed(0)
    small = {"vocab_size": WORDS, "num_labels": CLASSES, **more}
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    size |= {"max_position_embeddings": 16}
    if kind in ("bert", "tokens"):
        drop = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        made = t.BertForSequenceClassification if kind == "bert" else t.BertForTokenClassification
        return made(t.BertConfig(initializer_range=0.2, **size, **drop, **small))
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    if kind == "gpt2":  # says nothing of its loss, which shifts all the same
        return t.GPT2LMHeadModel(t.GPT2Config(n_embd=16, n_layer=1, n_head=2, n_positions=16, **ends, **small))
    return t.LlamaForCausalLM(t.LlamaConfig(**size, **ends, **small))


def arguments(folder: Path, **more: Any) -> Any:
    from transformers import TrainingArguments

    plain = {
        "output_dir": str(folder), "use_cpu": True, "report_to": "none", "disable_tqdm": True, "save_strategy": "no",
        "logging_strategy": "steps", "logging_steps": 1, "num_train_epochs": 2, "per_device_train_batch_size": 4,
        "learning_rate": 0.01, "seed": 3, "dataloader_pin_memory": False,
    }  # fmt: skip
    return TrainingArguments(**{**plain, **more})


def weights_of(model: Any) -> dict[str, Any]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two sets of weights agree bit for bit."""
    import torch

    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def apart(a: dict[str, Any], b: dict[str, Any]) -> float:
    return max(float((a[k] - b[k]).abs().max()) for k in a)
