"""Names of classes and their numbers in masks."""

from collections.abc import Iterable, Sequence

from geo_noisy.errors import InputError

MOST = 255
"""One more than the highest number of a class: 255 in a mask is unlabelled."""


def in_order(found: Iterable[str]) -> tuple[str, ...]:
    """Classes in an order that is the same everywhere: by number where all are numbers, else by the alphabet."""
    names = sorted(set(found))
    return tuple(sorted(names, key=float) if all(_is_number(name) for name in names) else names)


def check_named(found: dict[str, int], classes: Sequence[str], ignored: Sequence[str], *, where: str) -> None:
    """Check that each class of some labels has a number or is ignored.

    Args:
        found: How often each class is there.
        classes: The classes with a number.
        ignored: Those that are left unlabelled.
        where: The labels, for the message.

    Raises:
        InputError: If a class is neither.
        ValueError: If there are too many classes, or none, or one is both.
    """
    both = sorted(set(classes) & set(ignored))
    if both:
        raise ValueError(f'{", ".join(both)} of labels stands in classes and in ignored; leave it in one of them.')
    rest = [f'{name} ({found[name]} x)' for name in in_order(found) if name not in classes and name not in ignored]
    if rest:
        raise InputError(
            f'{where} holds {", ".join(rest[:5])}, which is neither in classes ({", ".join(classes)}) nor in ignored '
            f'({", ".join(ignored) or "none"}): name it in one of them (data.init_args.labels.classes, .ignored).'
        )
    if not 0 < len(classes) <= MOST:
        raise ValueError(f'{where} has {len(classes)} classes; masks hold 1 to {MOST}.')


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
