"""How images and weights lie in memory, and optimisers in one pass."""

from pathlib import Path

import pytest
import torch

from geo_noisy.tasks import MomentumContrast
from tests.data.vts import pairs_datamodule, trainer


def channels_last(tensor: torch.Tensor) -> bool:
    return tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()


@pytest.mark.parametrize(('side', 'expected'), [(64, False), (128, True)])
def test_layout_by_size_of_the_images(side: int, expected: bool) -> None:
    task = MomentumContrast(queue_size=16).train()
    image = task.standardise(torch.rand(2, 3, side, side))
    assert channels_last(image) == channels_last(task.model.conv1.weight) == expected
    assert channels_last(task.key_encoder.conv1.weight) == expected


def test_half_precision_has_bands_of_a_pixel_together() -> None:
    task = MomentumContrast(queue_size=16).train()
    with torch.autocast('cpu', torch.bfloat16):
        assert channels_last(task.standardise(torch.rand(2, 3, 64, 64)))


def test_the_first_images_decide() -> None:
    task = MomentumContrast(queue_size=16).train()
    task.standardise(torch.rand(2, 3, 64, 64))
    assert not channels_last(task.standardise(torch.rand(2, 3, 128, 128)))


def test_a_run_that_goes_on_keeps_its_layout(tmp_path: Path) -> None:
    run = trainer(tmp_path, max_epochs=1, enable_checkpointing=True)
    task = MomentumContrast(queue_size=16)
    run.fit(task, pairs_datamodule())
    assert not channels_last(task.model.conv1.weight)
    again, kept = MomentumContrast(queue_size=16), torch.load(run.checkpoint_callback.best_model_path)  # type: ignore[union-attr]
    again.on_load_checkpoint(kept)
    assert not channels_last(again.standardise(torch.rand(2, 3, 128, 128)))


@pytest.mark.parametrize('optimizer', ['sgd', 'adamw'])
def test_weights_are_updated_in_one_pass(optimizer: str, tmp_path: Path) -> None:
    run = trainer(tmp_path)
    run.fit(MomentumContrast(queue_size=16, optimizer=optimizer), pairs_datamodule())  # type: ignore[arg-type]
    assert run.optimizers[0].defaults['fused']


def test_gradients_can_be_clipped_in_mixed_precision(tmp_path: Path) -> None:
    run = trainer(tmp_path, precision='bf16-mixed', gradient_clip_val=1.0)
    run.fit(MomentumContrast(queue_size=16), pairs_datamodule())
    assert not run.optimizers[0].defaults['fused']
