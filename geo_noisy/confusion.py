"""What a score is made of, for torch and numpy alike: the ignored label, and F1 from a confusion matrix."""

from typing import Any

IGNORE_INDEX = 255
"""Label of pixels (and images) that teach nothing and are not scored."""


def f1_from_counts(true_positive: Any, false_positive: Any, false_negative: Any) -> Any:
    """F1 from counts, tensors or arrays of one shape; 0 where there is nothing to count."""
    return 2 * true_positive / (2 * true_positive + false_positive + false_negative).clip(min=1)


def class_f1(confusion: Any) -> Any:
    """F1 of each class of confusion matrices; 0 for an absent class.

    Args:
        confusion: Counts [..., classes, classes], rows are targets; a tensor or an array.

    Returns:
        Scores in [0, 1], [..., classes].
    """
    true_positive = confusion.diagonal(0, -2, -1)
    return f1_from_counts(true_positive, confusion.sum(-2) - true_positive, confusion.sum(-1) - true_positive)
