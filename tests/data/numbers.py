"""Images that show their own number, and a loader of them."""

import torch
from torch.utils.data import Dataset
from torchgeo.datasets.utils import Sample

from geo_noisy.datamodules.keyed import KeyedDataset
from geo_noisy.datamodules.loader import ResumableLoader, build_loader
from geo_noisy.samplers.keyed import KeyedSampler


class Numbers(Dataset[Sample]):
    def __init__(self, size: int = 10) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Sample:
        return {'image': torch.full((2, 4, 4), float(index)), 'mask': torch.full((4, 4), index % 3)}


def loader(workers: int = 0, batch: int = 2, drop_last: bool = False, size: int = 10) -> ResumableLoader:
    return build_loader(
        KeyedDataset(Numbers(size)),
        sampler=KeyedSampler(size, seed=3),
        batch_size=batch,
        num_workers=workers,
        drop_last=drop_last,
    )
