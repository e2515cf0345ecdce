"""What a GPU says of every architecture is what the processor says; runs where torch sees one."""

import pytest

torch = pytest.importorskip("torch")
from tiny_models import MODELS, Batch, N, losses, make  # noqa: E402

from steelyard.gradients import Direction, Sketching, watch  # noqa: E402

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, named by CUDA_VISIBLE_DEVICES"),
]
NAMES = sorted(MODELS)


def to(batch: Batch, device: str) -> Batch:
    return Batch(*(v.to(device) for v in (batch.ids, batch.mask, batch.labels)))


def direction(model: torch.nn.Module) -> Direction:
    drawn = torch.Generator().manual_seed(0)
    made = {n: torch.randn(p.shape, generator=drawn, dtype=torch.float64) for n, p in model.named_parameters()}
    device = next(model.parameters())
    return Direction.of({n: v.to(device.device, device.dtype) for n, v in made.items()})


def read(name: str, device: str, dtype: torch.dtype, scoring: bool) -> dict[str, torch.Tensor]:
    """Return what one step shows, and the gradients it forms, on the processor and in float64."""
    model, batch = make(name, torch.float32)  # the same weights for both widths
    model, batch = model.to(device, dtype), to(batch, device)
    v = direction(model)
    low = Direction.of_tensors({k: t.to(device) for k, t in direction(model.cpu()).low_rank(2).tensors().items()})
    model.to(device)
    sketch, picked = Sketching(4), Sketching(4, mask=True)
    found = {}
    with watch(model, scoring=scoring) as watched:
        mask = batch.mask if scoring else None
        with watched.step(N, norm=True, sketch=sketch, dot=v, mask=mask) as step:
            step.backward(losses(model, batch))
            found |= {"norm": step.norm(per_layer=True), "dot": step.dot(v, per_layer=True)}
            found |= {"sketch": step.sketch(sketch)}
            if not scoring:
                found |= {"low": step.dot(low, per_layer=True), "picked": step.sketch(picked)}
                step.form(torch.linspace(0.2, 2.0, N, dtype=dtype))
    found |= {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return {n: t.detach().double().cpu() for n, t in found.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scoring", [False, True], ids=["in step", "scoring"])
def test_a_gpu_reads_and_forms_what_the_processor_does(name, scoring):
    expected = read(name, "cpu", torch.float64, scoring)
    found = read(name, "cuda", torch.float64, scoring)
    assert found.keys() == expected.keys()
    for what, value in expected.items():
        torch.testing.assert_close(found[what], value, rtol=1e-6, atol=1e-9, msg=lambda m, w=what: f"{w}: {m}")


@pytest.mark.parametrize("name", NAMES)
def test_in_float32_it_does_so_to_four_digits(name):
    expected = read(name, "cpu", torch.float64, False)
    size = float(expected["norm"].max())
    for what, value in read(name, "cuda", torch.float32, False).items():
        close = {"rtol": 1e-4, "atol": 1e-4 * size}
        torch.testing.assert_close(value, expected[what], **close, msg=lambda m, w=what: f"{w}: {m}")
