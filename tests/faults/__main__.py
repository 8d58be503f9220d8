"""Every fault, at seeded moments, with counts by kind: ``python -m tests.faults [--times N] [PATTERN]``."""

import argparse
import fnmatch
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.corpus.sound import make_sound
from tests.faults.injection import inject
from tests.faults.kinds import KINDS
from tests.faults.work import works


def main() -> int:
    """Inject faults; the exit status is 1 where anything was lost, wrong or half written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('pattern', nargs='?', default='*')
    parser.add_argument('--times', type=int, default=5, help='times that a fault is tried on each of its commands')
    arguments = parser.parse_args()
    tried, bad, started = Counter[str](), Counter[tuple[str, str]](), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sound = make_sound(Path(folder, 'made'))
        faults = [fault for fault in KINDS if fnmatch.fnmatch(fault.kind, arguments.pattern)]
        known = works(sound, only=tuple(name for fault in faults for name in fault.works))
        for fault in faults:
            if not fault.possible():
                print(f'{fault.kind}: this machine does not let it be tried', flush=True)
                continue
            for name in fault.works:
                for seed in range(arguments.times if fault.strike or fault.twice else 1):
                    outcome = inject(fault, known[name], sound, seed=seed)
                    tried[fault.kind] += 1
                    for what in ('lost', 'wrong', 'half'):
                        bad[fault.kind, what] += bool(getattr(outcome, what))
                    if outcome:
                        print(f'{fault.kind}, {name}, seed {seed}: {outcome}', flush=True)
    print('\n| fault | tried | lost | wrong | half-written |\n|---|---|---|---|---|')
    for kind, count in tried.items():
        print(f'| {kind} | {count} | ' + ' | '.join(str(bad[kind, what]) for what in ('lost', 'wrong', 'half')) + ' |')
    print(f'| all | {tried.total()} | {bad.total()} bad in all |\n{time.monotonic() - started:.0f} s')
    return int(bad.total() > 0)


if __name__ == '__main__':
    raise SystemExit(main())
