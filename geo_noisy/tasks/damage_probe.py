"""The probe on xBD: the segmentation probe with the scores of the damage task."""

from geo_noisy.metrics.damage import DamageScores
from geo_noisy.tasks.segmentation_probe import SegmentationProbe


class DamageProbe(SegmentationProbe):
    """Five damage classes on a frozen encoder, scored by macro-F1 and by the official xView2 score."""

    scores_class = DamageScores
