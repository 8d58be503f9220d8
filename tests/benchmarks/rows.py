"""One comparison: ours and the peer in turn, results compared, and a line of the table."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        what: The work.
        size: How much of it.
        peer: What a user would take instead.
        bound: Least ratio of the peer's time to ours that is wanted.
        ours: Does the work once; may return its seconds, where less than the whole call counts.
        theirs: The peer's turn.
        equal: Raises where the results differ, and says how far they may; None where both draw at random.
        rounds: Turns of each, after one that warms up.
    """

    what: str
    size: str
    peer: str
    bound: float
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    equal: Callable[[], str] | None = None
    rounds: int = 7


HEADER = """| work | size | peer | ours, ms | peer, ms | ratio | spread | wanted | equal |
|---|---|---|---|---|---|---|---|---|"""


def line(comparison: Comparison) -> str:
    """Measure: process CPU time, which other processes disturb less, medians; the spread is that of the middle half."""
    equal = comparison.equal() if comparison.equal else 'drawn at random'
    turns = [(_seconds(comparison.ours), _seconds(comparison.theirs)) for _ in range(comparison.rounds + 1)][1:]
    ours, theirs = (statistics.median(times) for times in zip(*turns, strict=True))
    low, _, high = statistics.quantiles([peer / own for own, peer in turns], n=4)
    return (
        f'| {comparison.what} | {comparison.size} | {comparison.peer} | {1e3 * ours:.1f} | {1e3 * theirs:.1f} | '
        f'{theirs / ours:.2f} | {low:.2f}-{high:.2f} | {comparison.bound:g} | {equal} |'
    )


def _seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    told = work()
    return told if isinstance(told, float) else time.process_time() - start
