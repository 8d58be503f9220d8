"""A dense loss that does not leave the plateau of equal features has learnt nothing."""

from lightning.pytorch.utilities import rank_zero_warn

STEPS = 200
"""Steps after which a dense loss should have left the plateau."""

WINDOW = 10
"""Steps before that whose losses are averaged."""

DEPTH = 0.1
"""How far below the plateau the loss should be by then."""


class PlateauWatch:
    """Compares the losses of the last steps before ``STEPS`` with those of features that are all equal."""

    def __init__(self, settings: str) -> None:
        """Initialise a new PlateauWatch.

        Args:
            settings: What to change, and what it is now, for the warning.
        """
        self.settings = settings
        self._losses: list[tuple[float, float]] = []
        self._judged = False

    @staticmethod
    def looks_at(step: int) -> bool:
        """Whether the loss of a step is wanted."""
        return STEPS - WINDOW <= step < STEPS

    def note(self, step: int, loss: float, equal: float) -> None:
        """Note a loss.

        Args:
            step: Its step.
            loss: The loss.
            equal: What it would be if all features were equal.

        Warns:
            UserWarning: Once, at the last step of the window, if the loss is still on the plateau.
        """
        self._losses.append((loss, equal))
        if step < STEPS - 1 or self._judged:
            return
        self._judged = True
        mean, flat = (sum(values) / len(values) for values in zip(*self._losses, strict=True))
        if mean > flat - DEPTH:
            rank_zero_warn(
                f'After {STEPS} steps the loss is {mean:.3f}, still on the plateau of features that are all equal '
                f'({flat:.3f}): nothing has been learnt yet. Try {self.settings}.'
            )
