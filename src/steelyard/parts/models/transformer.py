"""Any transformer of a hub, a folder or the packaged MiniLM, fine-tuned whole, by LoRA, adapters or its head alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from steelyard.errors import EnvironmentProblem
from steelyard.parts.models import Model
from steelyard.parts.models._adapting import adapted
from steelyard.parts.models._loading import locate, quietly, read, tokenizer_of
from steelyard.values.encoded import Encoded
from steelyard.values.recipe import Recipe


@dataclass(frozen=True)
class Transformer(Model):
    """A pretrained encoder or decoder with a new head.

    pretrained: ``minilm`` (needs no network), a folder or a hub name. tuning: full, lora, adalora, adapters or frozen.
    rank: of LoRA. dropout: probability, None as the model says; 0 by default, so that what is said of a row depends on
    the row and not on a coin, nor on how batches are split. checkpointing: less memory for a second forward pass.
    device: auto, cpu, cuda ...
    """

    pretrained: str = "minilm"
    tuning: str = "full"
    rank: int = 8
    dropout: float | None = 0.0
    checkpointing: bool = False
    device: str = "auto"

    def tokenizer(self) -> Any:
        """Return the tokenizer. Raises EnvironmentProblem E210, E211, M201, M202, M204."""
        return tokenizer_of(locate(self.pretrained))

    def network(self, head: str, outputs: int, seed: int, steps: int = 1000, weights: bool = True) -> Any:
        """Return the torch module, on its device. Heads are random: they are drawn from ``seed``, nothing else is.

        head: sequence, token, vector or cosine; outputs: numbers the head gives. steps: of the training (AdaLoRA).
        weights: False builds the network by its configuration alone, for weights that come from elsewhere.
        """
        path = locate(self.pretrained)
        import torch

        tokenizer = tokenizer_of(path)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = read(path, lambda: _load(path, head, outputs, self.dropout, weights))
            _tell_pad(module, tokenizer)
            with quietly():
                module = adapted(module, self.tuning, self.rank, steps, head)
        if self.checkpointing:
            _checkpoint(module)
        return module.to(_device(self.device))

    def learner(self, task: Any, encoded: Encoded, outputs: int, recipe: Recipe, steps: int) -> Any:
        """Return a Learner: the network with its optimiser, fed with ``encoded``; ``acts.finetuning`` drives it."""
        from steelyard.parts.models._learner import Learner

        module = self.network(task.head, outputs, recipe.seed, steps)
        if recipe.precision == "bf16" and _device(self.device) == "cpu" and hasattr(module, "set_attn_implementation"):
            module.set_attn_implementation("eager")  # torch's fused attention is four times slower there, backwards
        return Learner(module, task, encoded, recipe, self.tokenizer().pad_token_id)

    def encoder(self, max_length: int = 128, precision: str = "fp32") -> Any:
        """Return the frozen network as a maker of vectors: ``embed(texts) -> (n, d)``, ``identity``."""
        path = locate(self.pretrained)
        from steelyard.parts.models._encoder import Encoder

        return Encoder(path, _device(self.device), max_length, precision)

    def save(self, module: Any, folder: Path, about: dict[str, Any]) -> None:
        """Write weights as safetensors, this part's options and ``about`` as JSON, and the tokenizer; no pickle."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        state = {k: v.detach().contiguous().clone() for k, v in module.state_dict().items()}
        save_file(state, folder / "weights.safetensors", metadata={"format": "pt"})
        self.tokenizer().save_pretrained(folder)
        _config(module).save_pretrained(folder)
        text = json.dumps({"schema": "steelyard.model/1", "model": asdict(self), **about}, indent=1)
        (folder / "steelyard.json").write_text(text + "\n", encoding="utf-8")


def load(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Return the module that ``save`` wrote, and what it wrote about it (``head``, ``outputs``, ``names`` ...).

    Raises EnvironmentProblem M201 when the folder holds no saved model.
    """
    if not (folder / "steelyard.json").is_file():
        raise EnvironmentProblem("M201", name=str(folder), why="steelyard.json")
    from safetensors.torch import load_file

    about = json.loads((folder / "steelyard.json").read_text(encoding="utf-8"))
    part = Transformer(**{**about["model"], "pretrained": str(folder)})
    module = part.network(about["head"], about["outputs"], seed=0, steps=about.get("steps", 1000), weights=False)
    module.load_state_dict(load_file(folder / "weights.safetensors"))
    return module, about


def _load(path: str, head: str, outputs: int, dropout: float | None, weights: bool) -> Any:
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoModelForTokenClassification

    config = AutoConfig.from_pretrained(path)
    if dropout is not None:
        for field in [f for f in vars(config) if f.endswith(("dropout", "_pdrop", "dropout_prob", "dropout_rate"))]:
            if isinstance(getattr(config, field), float):
                setattr(config, field, dropout)
    kind: Any = {"sequence": AutoModelForSequenceClassification, "token": AutoModelForTokenClassification}.get(head)
    if kind is None:
        from steelyard.parts.models._pooled import Cosine, Pooled

        encoder = (
            AutoModel.from_pretrained(path, config=config, dtype=torch.float32)
            if weights
            else AutoModel.from_config(config)
        )
        return Cosine(encoder, outputs) if head == "cosine" else Pooled(encoder)
    config.num_labels = outputs
    config.problem_type = None
    if not weights:
        return kind.from_config(config)
    return kind.from_pretrained(path, config=config, dtype=torch.float32, ignore_mismatched_sizes=True)


def _tell_pad(module: Any, tokenizer: Any) -> None:
    """Tell the network which token pads: decoders find the last real token by it."""
    config = _config(module)
    if getattr(config, "pad_token_id", None) is None:
        config.pad_token_id = tokenizer.pad_token_id


def _checkpoint(module: Any) -> None:
    """Let the network compute its activations anew in the backward pass instead of keeping them."""
    how = {"use_reentrant": False}
    if hasattr(module, "activation_checkpointing_enable"):
        module.activation_checkpointing_enable(how)
    else:  # transformers before 5.20 or so
        module.gradient_checkpointing_enable(gradient_checkpointing_kwargs=how)


def _config(module: Any) -> Any:
    return module.encoder.config if hasattr(module, "mean_pooled") else module.config


def _device(asked: str) -> str:
    import torch

    if asked != "auto":
        return asked
    return "cuda" if torch.cuda.is_available() else "cpu"
