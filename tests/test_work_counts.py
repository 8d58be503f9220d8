"""How often dear work is done: counts, where a time would only tell of the machine."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from geo_noisy.datasets import TemporalPairs
from geo_noisy.pairs import PairKey
from geo_noisy.regions import build_index, change_polygons, scan_rasters
from geo_noisy.regions.noise import between_dates
from geo_noisy.regions.windows import reader
from geo_noisy.tasks import MomentumContrast, SegmentationProbe
from tests.data.regions import polygons, square, write_series
from tests.data.vts import pairs_datamodule, segmentation_datamodule, trainer


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[None]:
    """Calls of a function of a module from now on."""
    calls: list[None] = []
    original = getattr(module, name)

    def _counting(*arguments: Any, **options: Any) -> Any:
        calls.append(None)
        return original(*arguments, **options)

    monkeypatch.setattr(module, name, _counting)
    return calls


def images_seen(network: nn.Module) -> list[int]:
    """Images of each call of a network from now on."""
    seen: list[int] = []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    return seen


def test_a_frozen_encoder_sees_each_image_once_however_many_epochs(tmp_path: Path) -> None:
    probe = SegmentationProbe(classes=['layered', 'veined', 'matted'], cache_features='memory')
    seen = images_seen(probe.model)
    trainer(tmp_path, max_epochs=3).fit(probe, segmentation_datamodule())
    assert sum(seen) == 24 + 16


def test_a_step_of_moco_encodes_each_image_once(tmp_path: Path) -> None:
    task = MomentumContrast(queue_size=16)
    queries, keys = images_seen(task.model), images_seen(task.key_encoder)
    trainer(tmp_path, limit_val_batches=0).fit(task, pairs_datamodule())
    assert queries == keys == [8] * 4


@pytest.fixture
def region(tmp_path: Path) -> TemporalPairs:
    """Sixteen windows at three dates, with a square in two of them."""
    folder = write_series(tmp_path / 'images', size_px=128)
    index = build_index(scan_rasters(folder), size_px=32)
    days = ['2020-06-01', '2020-07-01', '2020-06-01']
    events = polygons(square(4, 4, 8), square(8, 8, 8), square(40, 4, 8), event=days)
    return TemporalPairs(index.with_noise(change_polygons(events, event_column='event')), fill=0.0)


def test_a_file_is_opened_once_for_all_draws(region: TemporalPairs, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = counted(monkeypatch, reader, 'open_on_grid')
    for _ in range(3):
        for location in range(len(region)):
            region[PairKey(location, 0, 1)], region[PairKey(location, 1, 2)]
    assert len(opened) == 3


def test_polygons_are_looked_at_once_a_sample_and_only_where_several_meet(
    region: TemporalPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    united = counted(monkeypatch, between_dates, 'union_share')
    noisy = [location for location in range(len(region)) if region[PairKey(location, 0, 1)]['noisy'] == 1]
    assert (len(noisy), len(united)) == (2, 1)


def test_a_window_is_read_once_a_date(region: TemporalPairs, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[None] = []
    original = reader.WindowReader.read
    monkeypatch.setattr(reader.WindowReader, 'read', lambda self, *rest: (read.append(None), original(self, *rest))[1])
    sample = region[PairKey(0, 0, 1)]
    assert len(read) == 2
    assert isinstance(sample['image'], torch.Tensor)
