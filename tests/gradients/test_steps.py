"""Equalities of a step: weights, sums, accumulation, checkpointing, shared layers, adapters, precision."""

import pytest

torch = pytest.importorskip("torch")
from tiny_models import MODELS, N, batch, losses, make  # noqa: E402
from torch import nn  # noqa: E402
from transformers.modeling_layers import GradientCheckpointingLayer  # noqa: E402

from steelyard.gradients import Direction, Oracle, Sketching, watch  # noqa: E402

CLOSE = {"rtol": 1e-6, "atol": 1e-9}


def grads_of(model):
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def formed(model, of, alpha=None, scale=None, **kwargs):
    model.zero_grad()
    with watch(model) as watched, watched.step(of.n, **kwargs) as step:
        step.backward(losses(model, of), scale)
        step.form(alpha)
    return grads_of(model)


def agree(a, b, **close):
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], **(close or CLOSE))


def against_oracle(model, of, loss=losses, **close):
    close = close or CLOSE
    with watch(model) as watched, watched.step(of.n) as step:
        step.backward(loss(model, of))
        norm, sketch, layers = step.norm(per_layer=True), step.sketch(3), watched.layers
    oracle = Oracle(model, lambda i: loss(model, of.take([i]))[0], of.n, layers)
    torch.testing.assert_close(norm, oracle.norm(per_layer=True), **close)
    torch.testing.assert_close(sketch, oracle.sketch(3), **close)
    assert float(norm.min(0).values.max()) > 0


def test_weight_on_the_loss_is_weight_on_the_gradient():
    model, of = make("bert")
    alpha = torch.tensor([0.1, 2.0, 0.0, 1.3, 0.7], dtype=torch.float64)
    weighted = formed(model, of, alpha)
    model.zero_grad()
    (losses(model, of) * alpha).mean().backward()
    agree(weighted, grads_of(model))


def test_weight_zero_leaves_the_row_out():
    model, of = make("bert")
    alpha = torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    agree(formed(model, of, alpha, scale=1.0), formed(model, of.take([0, 1, 3, 4]), scale=1.0))


def test_weight_two_is_the_row_twice():
    model, of = make("gpt2")
    alpha = torch.tensor([1.0, 2.0, 1.0, 1.0, 1.0], dtype=torch.float64)
    agree(formed(model, of, alpha, scale=1.0), formed(model, of.take([0, 1, 1, 2, 3, 4]), scale=1.0))


def test_layers_sum_to_the_total_and_samples_to_the_batch_gradient():
    model, of = make("bert_masked_lm")
    direction = Direction.of({n: torch.randn_like(p) for n, p in model.named_parameters()})
    with watch(model) as watched, watched.step(N) as step:
        step.backward(losses(model, of))
        torch.testing.assert_close(step.norm(per_layer=True).square().sum(1), step.norm().square(), **CLOSE)
        torch.testing.assert_close(step.dot(direction, per_layer=True).sum(1), step.dot(direction), **CLOSE)
        dots, summed = step.dot(direction), {n: v.sum(0) for n, v in step.built().items()}
    model.zero_grad()
    losses(model, of).sum().backward()
    agree(summed, grads_of(model))
    total = sum((g * direction.dense(n)).sum() for n, g in grads_of(model).items())
    torch.testing.assert_close(dots.sum(), total, **CLOSE)


def checkpointed(model):
    """Let a model in eval mode, without dropout, compute its layers anew in the backward pass; return their counts."""
    model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    model.config.use_cache = False  # as decoders have it in training mode: a cache would be filled twice
    counts = []
    for module in model.modules():
        if isinstance(module, GradientCheckpointingLayer):
            module.training = True  # of this layer, not of what is in it: dropout stays off
            own, real = [0], module._gradient_checkpointing_func

            def counted(run, *args, func=real, own=own):
                def once_more(*given):
                    own[0] += 1
                    return run(*given)

                return func(once_more, *args)

            module._gradient_checkpointing_func = counted
            counts.append(own)
    return counts


@pytest.mark.filterwarnings("ignore:`gradient_checkpointing_enable` is deprecated")
@pytest.mark.parametrize("name", sorted(MODELS))
def test_checkpointing_does_not_matter(name):
    model, of = make(name, torch.float32)
    alpha = torch.tensor([0.1, 2.0, 0.0, 1.3, 0.7])

    def read():
        with watch(model) as watched, watched.step(N, norm=True, sketch=3) as step:
            step.backward(losses(model, of))
            return step.norm(), step.sketch(3)

    plain, weighted, readings = formed(model, of), formed(model, of, alpha), read()
    counts = checkpointed(model)
    again = formed(model, of)
    assert counts
    assert all(own == [2] for own in counts)  # forward, and once more backward
    for key in plain:
        assert torch.equal(plain[key], again[key]), key
    agree(weighted, formed(model, of, alpha), rtol=1e-5, atol=1e-7)
    for found, value in zip(read(), readings, strict=True):
        torch.testing.assert_close(found, value)


def test_asking_early_and_asking_late_agree():
    model, of = make("bert_masked_lm")
    direction = Direction.of({n: torch.randn_like(p) for n, p in model.named_parameters()})
    with watch(model) as late, late.step(N) as step:
        step.backward(losses(model, of))
        expected = step.norm(), step.sketch(3), step.dot(direction)
    with watch(model, scoring=True) as early, early.step(N, norm=True, sketch=3, dot=direction) as step:
        step.backward(losses(model, of))
        for a, b in zip((step.norm(), step.sketch(3), step.dot(direction)), expected, strict=True):
            torch.testing.assert_close(a, b, **CLOSE)


def test_bf16_autocast_trains_as_untouched_and_reads_close():
    model, of = make("bert", torch.float32)
    with watch(model) as watched, watched.step(N) as step:
        step.backward(losses(model, of))
        norm = step.norm()
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        plain = losses(model, of)
    plain.mean().backward()
    untouched = grads_of(model)
    model.zero_grad()
    with watch(model) as watched, watched.step(N) as step:
        with torch.autocast("cpu", torch.bfloat16):
            unit = losses(model, of)
        step.backward(unit)
        found = step.norm()
        step.form()
    torch.testing.assert_close(found, norm, rtol=0.05, atol=0.01)
    assert found.dtype == torch.float32
    for name, grad in grads_of(model).items():
        assert torch.equal(grad, untouched[name]), name


class Twice(nn.Module):
    """One layer used twice in a forward, between a table and a head."""

    def __init__(self):
        super().__init__()
        self.table, self.layer, self.head = nn.Embedding(60, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, ids):
        x = torch.tanh(self.layer(torch.tanh(self.layer(self.table(ids)))))
        return self.head(x.mean(1))


def test_a_layer_used_twice():
    torch.manual_seed(0)
    model = Twice().double()
    of = batch(tokens=False)

    def loss(m, b):
        return nn.functional.cross_entropy(m(b.ids), b.labels, reduction="none")

    against_oracle(model, of, loss)
    model.zero_grad()
    with watch(model, scoring=True) as watched, watched.step(N, norm=True) as step:
        step.backward(loss(model, of))
        early = step.norm()
    with watch(model) as watched, watched.step(N) as step:
        step.backward(loss(model, of))
        torch.testing.assert_close(step.norm(), early, **CLOSE)


def test_two_rows_a_sample_are_one_gradient():
    model, of = make("bert")
    pairs = of.take([0, 1, 2, 3])

    def loss_of(m, b):
        score = m(input_ids=b.ids, attention_mask=b.mask).logits[:, 0].view(-1, 2)
        return nn.functional.softplus(score[:, 1] - score[:, 0])

    with watch(model) as watched, watched.step(2, rows=2) as step:
        step.backward(loss_of(model, pairs))
        norm, sketch, layers = step.norm(), step.sketch(3), watched.layers
    oracle = Oracle(model, lambda i: loss_of(model, pairs.take([2 * i, 2 * i + 1]))[0], 2, layers)
    torch.testing.assert_close(norm, oracle.norm(), **CLOSE)
    torch.testing.assert_close(sketch, oracle.sketch(3), **CLOSE)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")
@pytest.mark.parametrize("kind", ["lora", "adalora", "bottleneck"])
def test_adapters(kind):
    model, of = make("bert")
    if kind == "bottleneck":
        from steelyard.parts.models._bottleneck import insert

        before = losses(model, of).detach()
        for name, p in model.named_parameters():
            p.requires_grad_("classifier" in name)
        insert(model, width=4)
        model.double().eval()
        assert torch.equal(losses(model, of).detach(), before)
    else:
        peft = pytest.importorskip("peft")
        common = {"target_modules": ["query", "value"], "task_type": "SEQ_CLS", "lora_dropout": 0.0}
        if kind == "lora":
            config = peft.LoraConfig(r=2, **common)
        else:
            config = peft.AdaLoraConfig(init_r=3, target_r=2, total_step=10, **common)
        model = peft.get_peft_model(model, config).double().eval()
    torch.manual_seed(3)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.2 * torch.randn_like(p) if p.requires_grad else 0)
    against_oracle(model, of)
    alpha = torch.linspace(0.2, 2, N, dtype=torch.float64)
    weighted = formed(model, of, alpha)
    model.zero_grad()
    (losses(model, of) * alpha).mean().backward()
    agree(weighted, grads_of(model))


def test_the_sketch_is_unbiased_within_its_bound():
    model, of = make("bert")
    with watch(model) as watched, watched.step(N) as step:
        step.backward(losses(model, of))
        built = step.built()
        for mask in (False, True):
            drawn = torch.stack([step.sketch(Sketching(8, seed, mask)).flatten(1) for seed in range(300)])
            gram = torch.einsum("snd,smd->snm", drawn, drawn)
            flat = torch.cat([v.flatten(1) for v in built.values()], 1)
            error = (gram.mean(0) - flat @ flat.T).abs() / (gram.std(0) / 300**0.5 + 1e-12)
            assert float(error.max()) < 4.5
    assert len(watched.layers) == drawn.shape[2] / 64


def test_last_blocks_read_what_the_whole_reads_there():
    for name in ("bert", "deberta_v3", "qwen2", "gpt2"):
        model, of = make(name)
        with watch(model) as watched, watched.step(N) as step:
            step.backward(losses(model, of))
            norms = dict(zip([la.name for la in watched.layers], step.norm(per_layer=True).T, strict=True))
        with watch(model, scoring=True, blocks=1) as watched, watched.step(N, norm=True) as step:
            loss = losses(model, of)
            step.backward(loss)
            assert 2 < len(watched.layers) < len(norms)
            for layer, found in zip(watched.layers, step.norm(per_layer=True).T, strict=True):
                torch.testing.assert_close(found, norms[layer.name], rtol=1e-4, atol=1e-7)
        assert all(p.requires_grad for p in model.parameters())
