"""Fast = oracle, for every architecture and every reading; batch mates, padding and order do not matter."""

import pytest

torch = pytest.importorskip("torch")
from tiny_models import MODELS, N, losses, make  # noqa: E402

from steelyard.gradients import Direction, Oracle, Sketching, packing, watch  # noqa: E402
from steelyard.gradients.packing import Packing  # noqa: E402

NAMES = sorted(MODELS)


CLOSE = {"rtol": 1e-6, "atol": 1e-9}


def direction_for(model, seed=0, dtype=torch.float64):
    drawn = torch.Generator().manual_seed(seed)
    named = model.named_parameters()
    return Direction.of({n: torch.randn(p.shape, generator=drawn, dtype=torch.float64).to(dtype) for n, p in named})


@pytest.mark.parametrize("name", NAMES)
def test_fast_is_the_oracle(name):
    model, batch = make(name)
    alpha = torch.linspace(0.2, 2.0, N, dtype=torch.float64)
    direction = direction_for(model)
    with watch(model) as watched, watched.step(N) as step:
        step.backward(losses(model, batch))
        norm, dot = step.norm(per_layer=True), step.dot(direction, per_layer=True)
        low = step.dot(direction.low_rank(2), per_layer=True)
        sketch, mask = step.sketch(4), step.sketch(Sketching(4, mask=True))
        built = step.built()
        step.form(alpha)
        layers = watched.layers
    formed = {n: p.grad / (1 / N) for n, p in model.named_parameters()}
    oracle = Oracle(model, lambda i: losses(model, batch.take([i]))[0], N, layers)
    assert set(built) == {n for n, p in model.named_parameters() if p.grad is not None}
    for p, value in oracle.built().items():
        torch.testing.assert_close(built.get(p, torch.zeros_like(value)), value, **CLOSE)
    torch.testing.assert_close(norm, oracle.norm(per_layer=True), **CLOSE)
    torch.testing.assert_close(dot, oracle.dot(direction, per_layer=True), **CLOSE)
    torch.testing.assert_close(low, oracle.dot(direction.low_rank(2), per_layer=True), **CLOSE)
    torch.testing.assert_close(sketch, oracle.sketch(4), **CLOSE)
    torch.testing.assert_close(mask, oracle.sketch(Sketching(4, mask=True)), **CLOSE)
    for p, value in oracle.total(alpha).items():
        torch.testing.assert_close(formed[p] if formed[p] is not None else value * 0, value, **CLOSE)


@pytest.mark.parametrize("name", NAMES)
def test_batch_mates_padding_and_order_do_not_matter(name):
    model, batch = make(name)
    with watch(model, scoring=True) as watched:

        def read(of):
            with watched.step(of.n, norm=True, sketch=3) as step:
                step.backward(losses(model, of))
                return step.norm(), step.sketch(3)

        norm, sketch = read(batch)
        order = torch.tensor([3, 1, 4, 0, 2])
        for other in (batch.take(order), batch.take(order).padded(5)):
            norm2, sketch2 = read(other)
            torch.testing.assert_close(norm2, norm[order], **CLOSE)
            torch.testing.assert_close(sketch2, sketch[order], **CLOSE)
        alone = [read(batch.take([i])) for i in range(N)]
        torch.testing.assert_close(torch.cat([a[0] for a in alone]), norm, **CLOSE)
        torch.testing.assert_close(torch.cat([a[1] for a in alone]), sketch, **CLOSE)


@pytest.mark.parametrize("name", NAMES)
def test_leaving_padding_out_does_not_matter(name, monkeypatch):
    model, batch = make(name)
    direction = direction_for(model)
    packed = []
    monkeypatch.setattr(Packing, "pack", lambda self, x, pack=Packing.pack: packed.append(x.shape) or pack(self, x))

    def read(of, mask, dot):
        with watch(model, scoring=True) as watched, watched.step(of.n, mask=mask, norm=True, sketch=4, dot=dot) as step:
            step.backward(losses(model, of))
            return step.norm(per_layer=True), step.sketch(4), step.dot(dot, per_layer=True)

    monkeypatch.setattr(packing, "WORTH", -1.0)  # nothing is packed
    for dot in (direction, direction.low_rank(2)):
        expected = read(batch, None, dot)
        assert not packed
        with monkeypatch.context() as patch:
            patch.setattr(packing, "WORTH", 0.85)
            for of in (batch, batch.padded(5)):
                for found, value in zip(read(of, of.mask, dot), expected, strict=True):
                    torch.testing.assert_close(found, value, **CLOSE)
            assert len(packed) > 10
            packed.clear()


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_the_oracle_in_float64(name):
    model, batch = make(name, torch.float32)
    with watch(model) as watched, watched.step(N) as step:
        step.backward(losses(model, batch))
        norm, sketch, layers = step.norm(), step.sketch(4), watched.layers
        dot = step.dot(direction_for(model, dtype=torch.float32))
    model.double()
    oracle = Oracle(model, lambda i: losses(model, batch.take([i]))[0], N, layers)
    direction = direction_for(model)
    torch.testing.assert_close(norm.double(), oracle.norm(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(sketch.double(), oracle.sketch(4), rtol=1e-4, atol=1e-4 * float(norm.max()))
    # a product may be near 0 where its terms are large: what is relative is its share of |g| |V|
    size = oracle.norm() * direction.length
    torch.testing.assert_close(dot.double() / size, oracle.dot(direction) / size, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "dropout"])
def test_no_weights_is_untouched_training_bit_for_bit(name, training):
    model, batch = make(name, torch.float32)
    model.train(training)

    def untouched():
        for part in (slice(0, 3), slice(3, 5)):  # two passes: gradients accumulate
            (losses(model, batch.take(part)).sum() / N).backward()

    def watched_training(alpha):
        with watch(model) as watched:
            for part in (slice(0, 3), slice(3, 5)):
                n = batch.take(part).n
                with watched.step(n) as step:
                    step.backward(losses(model, batch.take(part)), scale=1 / N)
                    step.norm(), step.sketch(2)
                    step.form(None if alpha is None else torch.ones(n))

    grads = []
    for run in (untouched, lambda: watched_training(None), lambda: watched_training(1)):
        model.zero_grad()
        torch.manual_seed(1)
        run()
        grads.append({n: None if p.grad is None else p.grad.clone() for n, p in model.named_parameters()})
    for name_, grad in grads[0].items():
        for other in grads[1:]:
            if grad is None:
                assert other[name_] is None
            elif name.startswith("deberta"):  # one table shared by all samples: sums in another order
                torch.testing.assert_close(other[name_], grad, rtol=1e-4, atol=1e-5)
            else:
                assert torch.equal(other[name_], grad), name_
