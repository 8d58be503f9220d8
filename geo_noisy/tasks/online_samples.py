"""The fixed samples that an online probe looks at, kept in memory."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset, default_collate

from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.pairs import PairDataModule

NEEDED = ('image', 'draw', 'place')


def labelled_samples(dataset: Any, *, most: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images and targets of a data set, at random or all: [N, C, H, W] in sensor units, and [N, H, W] or [N]."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(dataset))[:most])
    samples = [dataset[number] for number in chosen.tolist()]
    targets = torch.stack([sample['mask'] if 'mask' in sample else sample['label'] for sample in samples])
    return compact(torch.stack([sample['image'] for sample in samples])), targets


def class_count(data: LabelledDataModule) -> int:
    """Number of classes of a data module that was set up."""
    dataset: Any = data.train_dataset
    dataset = dataset.dataset if isinstance(dataset, Subset) else dataset
    names = data.class_names() or getattr(dataset, 'classes', None)
    return len(names) if names is not None else len(dataset.class_counts())


def validation_pairs(data: PairDataModule, *, most: int, more: Sequence[str] = ()) -> Mapping[str, Tensor] | None:
    """``image`` [N, 2, C, H, W] in sensor units, ``draw`` and ``place`` [N] of validation pairs, evenly spread.

    Args:
        data: The data module.
        most: How many pairs.
        more: Other keys of the contract, kept where the data set gives them.

    Returns:
        None where there are fewer than two pairs.
    """
    loader = data.val_dataloader()
    keys: list[Any] = list(loader.sampler)
    if len(keys) < 2:
        return None
    chosen = np.unique(np.linspace(0, len(keys) - 1, min(most, len(keys))).astype(int))
    samples = [loader.dataset[keys[number]] for number in chosen.tolist()]
    pairs: dict[str, Tensor] = default_collate(
        [{name: sample[name] for name in (*NEEDED, *more) if name in sample} for sample in samples]
    )
    return pairs | {'image': compact(pairs['image'])}


def compact(image: Tensor) -> Tensor:
    """Images in the smallest type that holds their values as they are."""
    for kind, top in ((torch.uint8, 255), (torch.int16, 32767)):
        if bool((image == image.round()).all()) and float(image.min()) >= 0 and float(image.max()) <= top:
            return image.to(kind)
    return image
