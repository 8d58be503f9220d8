"""Batch norm over parts of a batch: on one device, what ShuffleBN does over several."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SplitBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose statistics are taken over each of several parts of the batch.

    The state has the names and shapes of plain batch norm (unlike lightly's ``SplitBatchNorm``), so that
    checkpoints can be read by any ResNet. Running statistics follow the mean over the parts.
    """

    splits: int = 1
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    @classmethod
    def replace_in(cls, module: nn.Module, splits: int) -> None:
        """Turn every ``BatchNorm2d`` of a module into this class, in place.

        Args:
            module: Module to change.
            splits: Number of parts; 1 leaves plain batch norm.

        Raises:
            ValueError: If splits is below 1.
        """
        if splits < 1:
            raise ValueError(f'batch_norm_splits is {splits}; it must be at least 1.')
        if splits == 1:
            return
        for layer in module.modules():
            if type(layer) is nn.BatchNorm2d:
                layer.__class__ = cls
                layer.splits = splits  # type: ignore[assignment]  # the class was just changed

    def forward(self, image: Tensor) -> Tensor:
        """Normalise features [B, C, H, W]; B must divide by the number of parts in training."""
        if not self.training or self.splits == 1:
            return super().forward(image)
        if len(image) % self.splits:
            raise ValueError(
                f'A batch of {len(image)} cannot be split into {self.splits} equal parts: choose a batch_size that '
                'divides by batch_norm_splits.'
            )
        if self.momentum is None:
            raise ValueError(
                'Split batch norm takes no cumulative average (momentum=None): use plain batch norm for it.'
            )
        mean = self.running_mean.repeat(self.splits, 1)
        variance = self.running_var.repeat(self.splits, 1)
        parts = [
            F.batch_norm(part, mean[k], variance[k], self.weight, self.bias, True, self.momentum, self.eps)
            for k, part in enumerate(image.chunk(self.splits))
        ]
        self.running_mean.copy_(mean.mean(dim=0))
        self.running_var.copy_(variance.mean(dim=0))
        self.num_batches_tracked.add_(1)
        return torch.cat(parts)
