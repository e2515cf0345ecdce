"""Refusals, exact restoration, directions and the secant."""

import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
from tiny_models import N, losses, make  # noqa: E402
from torch import nn  # noqa: E402

from steelyard.errors import UsageError  # noqa: E402
from steelyard.gradients import Direction, Sketching, Uncovered, secant, step_of, watch  # noqa: E402


def test_importing_the_package_does_not_import_torch():
    code = "import sys, steelyard.gradients, steelyard.gradients.closed_form; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_closing_restores_the_model_exactly():
    model, of = make("deberta_v3")
    before = {name: dict(vars(m)) for name, m in model.named_modules()}
    with watch(model) as watched, watched.step(N) as step:
        step.backward(losses(model, of))
        step.form()
    for name, module in model.named_modules():
        assert dict(vars(module)) == before[name], name
    assert not any(p._post_accumulate_grad_hooks for p in model.parameters())


def test_outside_a_step_the_model_is_its_own():
    model, of = make("bert")
    losses(model, of).mean().backward()
    expected = [p.grad.clone() for p in model.parameters()]
    with watch(model):
        model.zero_grad()
        losses(model, of).mean().backward()
        for p, grad in zip(model.parameters(), expected, strict=True):
            assert torch.equal(p.grad, grad)


def test_every_uncovered_parameter_is_listed_with_what_to_do():
    model = nn.Sequential(
        nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Conv1d(3, 3, 1), nn.MultiheadAttention(3, 1), nn.GRU(3, 3)
    )
    with pytest.raises(Uncovered) as caught:
        watch(model)
    listed = caught.value.parameters
    assert set(listed) == {n for n, _ in model.named_parameters() if not n.startswith("0.")}
    for lang in ("en", "zh"):
        assert all(name in caught.value.say(lang) for name in listed)
    assert len(set(listed.values())) == 4
    assert "forward" not in vars(model[0])


def test_a_parameter_used_outside_its_layer_is_found():
    class Leaky(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 1)

        def forward(self, x):
            return self.b(self.a(x) @ self.a.weight)[:, 0]

    model = Leaky()
    with watch(model) as watched, pytest.raises(UsageError, match=r"U178.*a\.weight"), watched.step(4) as step:
        step.backward(model(torch.randn(4, 3)))


def test_samples_must_come_first():
    model = nn.Sequential(nn.Linear(3, 3), nn.Flatten(0), nn.Unflatten(0, (6, 3)), nn.Linear(3, 1))
    with watch(model) as watched, pytest.raises(UsageError, match="U172"), watched.step(2):
        model(torch.randn(2, 3, 3))


@pytest.mark.parametrize(
    ("code", "do"),
    [
        ("U174", lambda s, loss: s.backward(loss.mean())),
        ("U175", lambda s, loss: s.norm()),
        ("U177", lambda s, loss: (s.backward(loss), s.form())),
        ("U176", lambda s, loss: (s.backward(loss), s.sketch(4))),
    ],
)
def test_misuse_has_a_code(code, do):
    model = nn.Linear(3, 1)
    with (
        watch(model, scoring=True) as watched,
        pytest.raises(UsageError, match=code),
        watched.step(4, norm=True) as step,
    ):
        do(step, model(torch.randn(4, 3))[:, 0])


@pytest.mark.parametrize("shape", [(4,), (3, 5), (4, 5, 1)])
def test_a_mask_of_another_shape_has_a_code(shape):
    model = nn.Linear(3, 1)
    with watch(model, scoring=True) as watched, pytest.raises(UsageError, match="U187"):
        watched.step(4, mask=torch.ones(shape)).__enter__()


def test_samples_without_a_gradient_have_length_zero():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x, keep = torch.randn(4, 6, 3).double(), torch.tensor([1.0, 0.0, 1.0, 0.0]).double()
    for used in (keep, keep * 0):
        for scoring in (False, True):
            with watch(model, scoring=scoring) as watched, watched.step(4, norm=True, sketch=2) as step:
                step.backward(model(x).sum((1, 2)) * used)
                assert torch.equal(step.norm() > 0, used > 0)
                assert torch.equal(step.sketch(2).flatten(1).abs().sum(1) > 0, used > 0)


def test_unknown_kinds_and_blocks():
    model, _ = make("bert")
    with pytest.raises(UsageError, match="U170"):
        watch(model, layers="convolution")
    with pytest.raises(UsageError, match="U171"):
        watch(model, blocks=3)


def test_preconditioned_direction_is_adams_own():
    model, of = make("bert")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.0, 0.9))
    with pytest.raises(UsageError, match="U173"):
        Direction.of({n: p.detach() for n, p in model.named_parameters()}).preconditioned(model, optimizer)
    for _ in range(3):
        model.zero_grad()
        losses(model, of).mean().backward()
        kept = {n: p.detach().clone() for n, p in model.named_parameters()}
        direction = Direction.of_grads(model)
        optimizer.step()
    expected = {n: (kept[n] - p.detach()) / 1e-3 for n, p in model.named_parameters()}
    found = direction.preconditioned(model, optimizer)  # with beta1 = 0 Adam's step is P_t g
    for name, value in expected.items():
        torch.testing.assert_close(found.dense(name), value, rtol=1e-6, atol=1e-6)


def test_low_rank_is_exact_at_full_rank_and_close_for_what_is_of_low_rank():
    torch.manual_seed(0)
    v = torch.randn(40, 3, dtype=torch.float64) @ torch.randn(3, 30, dtype=torch.float64)
    direction = Direction.of({"w": v}).low_rank(3)
    assert isinstance(direction.parts["w"], tuple)
    torch.testing.assert_close(direction.dense("w"), v, rtol=1e-4, atol=1e-4)


def read_through(model, of, direction, scoring=False, **asked):
    with watch(model, scoring=scoring) as watched:
        projected = direction.sketched(watched, Sketching(4, **asked))
        with watched.step(N, dot=projected) as step:
            step.backward(losses(model, of))
            return step.dot(), step.dot(projected, per_layer=True), step.sketch(projected.sketching), projected


@pytest.mark.parametrize("name", ["bert", "gpt2", "bert_masked_lm"])
def test_a_sketched_direction_is_unbiased(name):
    model, of = make(name)
    torch.manual_seed(1)
    direction = Direction.of({n: torch.randn_like(p) for n, p in model.named_parameters()})
    with watch(model, scoring=True) as watched, watched.step(N, norm=True, dot=direction) as step:
        step.backward(losses(model, of))
        exact, bound = step.dot(), step.norm() * direction.length / 4
    found = torch.stack([read_through(model, of, direction, seed=seed)[0] for seed in range(60)])
    spread = found.std(0) / 60**0.5
    assert ((found.mean(0) - exact).abs() < 4 * spread).all()
    assert (found.std(0) < 2 * bound).all()
    assert (found.std(0) > 0).all()


def test_a_sketched_direction_is_the_product_of_two_sketches():
    model, of = make("bert")
    direction = Direction.of({n: torch.randn_like(p) for n, p in model.named_parameters()})
    whole, layers, sketches, projected = read_through(model, of, direction)
    torch.testing.assert_close(layers.sum(1), whole)
    with watch(model) as watched:
        torch.testing.assert_close(projected.products(sketches, watched.layers), layers)
    torch.testing.assert_close(read_through(model, of, direction, scoring=True)[0], whole)
    twice = {n: 2 * direction.dense(n) for n in direction.parts}
    torch.testing.assert_close(read_through(model, of, Direction.of(twice))[0], 2 * whole)
    assert not torch.allclose(read_through(model, of, direction, mask=True)[0], whole)


def test_what_a_sketched_direction_lacks_counts_as_zero():
    model, of = make("bert")
    some = {n: torch.randn_like(p) for n, p in model.named_parameters() if n.endswith("bias")}
    rest = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
    torch.testing.assert_close(
        read_through(model, of, Direction.of(some))[0], read_through(model, of, Direction.of({**rest, **some}))[0]
    )


def test_two_sketches_of_one_step_do_not_mix():
    model, of = make("bert")
    direction = Direction.of({n: torch.randn_like(p) for n, p in model.named_parameters()})
    expected, _, _, projected = read_through(model, of, direction)
    with watch(model, scoring=True) as watched, watched.step(N, sketch=3, dot=projected) as step:
        step.backward(losses(model, of))
        assert step.sketch(3).shape[2:] == (3, 3)
        torch.testing.assert_close(step.dot(), expected)


def test_secant_becomes_the_directional_derivative():
    model, of = make("bert")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses(model, of).mean().backward()
    optimizer.step()
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    delta = step_of(model, optimizer, lambda: losses(model, of.take([1, 3])).mean())
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters())
    with watch(model, scoring=True) as watched, watched.step(N) as step:
        step.backward(losses(model, of))
        slope = -step.dot(Direction.of(delta))
    errors = []
    for size in (1.0, 0.1, 0.01):
        found = secant(model, lambda: losses(model, of), {n: d * size for n, d in delta.items()}) / size
        errors.append(float((found - slope).abs().max() / slope.abs().max()))
    assert errors[0] > 5 * errors[1] > 25 * errors[2]
    assert errors[2] < 1e-3
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters())


def test_the_code_of_the_engine_page_runs():
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "engine.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    names: dict = {}
    exec(code, names)
    assert set(names["alpha"].tolist()) == {0.0, 1.0}
