"""The losses as modules that hold their temperature."""

from torch import Tensor, nn

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.losses.functional import cross_image_loss, info_nce, rince, within_image_loss


class InfoNCE(nn.Module):
    """Module form of :func:`~geo_noisy.losses.functional.info_nce`."""

    def __init__(self, temperature: float = 0.2) -> None:
        """Initialise a new InfoNCE.

        Args:
            temperature: Softmax temperature; 0.2 in MoCo v2, 0.02 in Temporal Positives.
        """
        super().__init__()
        self.temperature = temperature

    def forward(self, query: Tensor, key: Tensor, queue: Tensor, excluded: Tensor | None = None) -> Tensor:
        """Loss of queries [B, D] with keys [B, D] against a queue [K, D]; a scalar."""
        return info_nce(query, key, queue, self.temperature, excluded=excluded)


class RINCE(nn.Module):
    """Module form of :func:`~geo_noisy.losses.functional.rince`."""

    def __init__(self, temperature: float = 0.2, q: float = 0.6, lam: float = 0.01) -> None:
        """Initialise a new RINCE.

        Args:
            temperature: Softmax temperature.
            q: Robustness, in [0, 1]; 0 is InfoNCE plus a constant.
            lam: Weight of the negatives, above 0.
        """
        super().__init__()
        self.temperature, self.q, self.lam = temperature, q, lam

    def forward(self, query: Tensor, key: Tensor, queue: Tensor, excluded: Tensor | None = None) -> Tensor:
        """Loss of queries [B, D] with keys [B, D] against a queue [K, D]; a scalar."""
        return rince(query, key, queue, self.temperature, q=self.q, lam=self.lam, excluded=excluded)


class WithinImageLoss(nn.Module):
    """Module form of :func:`~geo_noisy.losses.functional.within_image_loss`."""

    def __init__(self, temperature: float = 0.07, ignore_index: int = IGNORE_INDEX) -> None:
        """Initialise a new WithinImageLoss.

        Args:
            temperature: Softmax temperature.
            ignore_index: Label of pixels to leave out.
        """
        super().__init__()
        self.temperature, self.ignore_index = temperature, ignore_index

    def forward(self, features_a: Tensor, features_b: Tensor, labels_a: Tensor, labels_b: Tensor) -> Tensor:
        """Loss of feature maps [B, D, h, w] with labels [B, h, w]; a scalar."""
        return within_image_loss(features_a, features_b, labels_a, labels_b, self.temperature, self.ignore_index)


class CrossImageLoss(nn.Module):
    """Module form of :func:`~geo_noisy.losses.functional.cross_image_loss`."""

    def __init__(self, temperature: float = 0.07, ignore_index: int = IGNORE_INDEX) -> None:
        """Initialise a new CrossImageLoss.

        Args:
            temperature: Softmax temperature.
            ignore_index: Label of pixels to leave out.
        """
        super().__init__()
        self.temperature, self.ignore_index = temperature, ignore_index

    def forward(
        self,
        features_a: Tensor,
        features_b: Tensor,
        features_other: Tensor,
        labels_a: Tensor,
        labels_b: Tensor,
        labels_other: Tensor,
    ) -> Tensor:
        """Loss of feature maps [B, D, h, w] with labels [B, h, w]; a scalar."""
        return cross_image_loss(
            features_a,
            features_b,
            features_other,
            labels_a,
            labels_b,
            labels_other,
            self.temperature,
            self.ignore_index,
        )
