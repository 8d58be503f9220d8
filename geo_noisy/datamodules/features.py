"""Features of a frozen encoder, worked out once for a whole split."""

import tempfile
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchgeo.datasets.utils import Sample
from tqdm import tqdm

Storage = Literal['memory', 'disk']


class FeatureStore(Dataset[Sample]):
    """Samples ``feature`` [D, h, w] and ``mask`` [H, W] of a split, in memory or memory-mapped."""

    def __init__(self, features: Tensor, masks: Tensor) -> None:
        """Initialise a new FeatureStore.

        Args:
            features: Shape [N, D, h, w].
            masks: Shape [N, H, W], uint8.
        """
        self.features, self.masks = features, masks

    @classmethod
    def build(
        cls,
        loader: DataLoader[Sample],
        encode: Callable[[Tensor], Tensor],
        name: str,
        *,
        storage: Storage,
        device: torch.device,
    ) -> 'FeatureStore':
        """Encode every sample of a loader; says how many bytes it will take before it starts.

        Args:
            loader: Batches with ``image`` [B, C, H, W] and ``mask`` [B, H, W], in order.
            encode: From images to features [B, D, h, w].
            name: Name of the split, for messages.
            storage: 'memory', or 'disk' for files in the temporary folder, removed at exit.
            device: Where to encode.

        Raises:
            ValueError: If the storage is unknown.
        """
        if storage not in ('memory', 'disk'):
            raise ValueError(f"feature storage is {storage!r}; choose 'memory' or 'disk'.")
        count = len(loader.dataset)  # type: ignore[arg-type]  # map-style data sets have a length
        store: FeatureStore | None = None
        start = 0
        for batch in tqdm(loader, desc=f'Encoding {name}', leave=False):
            feature = encode(batch['image'].to(device)).cpu()
            mask = batch['mask'].to(torch.uint8)
            if store is None:
                nbytes = count * (feature[0].nbytes + mask[0].nbytes)
                rank_zero_info(f'Features of {name}: {count} images take {nbytes / 1e6:,.0f} MB ({storage}).')
                store = cls(
                    _allocate((count, *feature.shape[1:]), np.float32, storage),
                    _allocate((count, *mask.shape[1:]), np.uint8, storage),
                )
            store.features[start : start + len(feature)] = feature
            store.masks[start : start + len(mask)] = mask
            start += len(feature)
        if store is None:
            raise ValueError(f'The {name} split holds no sample to encode.')
        return store

    @property
    def nbytes(self) -> int:
        """Size of features and masks."""
        return self.features.nbytes + self.masks.nbytes

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.features)

    def __getitem__(self, index: int) -> Sample:
        """Features and mask of a sample."""
        return {'feature': self.features[index], 'mask': self.masks[index].long()}


def _allocate(shape: tuple[int, ...], dtype: type[np.generic], storage: Storage) -> Tensor:
    if storage == 'memory':
        return torch.from_numpy(np.empty(shape, dtype))
    # An anonymous file: the system removes it when the last reference is gone.
    with tempfile.TemporaryFile(prefix='geo-noisy-features-') as file:
        return torch.from_numpy(np.memmap(file, dtype=dtype, mode='w+', shape=shape))
