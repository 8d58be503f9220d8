"""Every cell in a process of its own, with counts by reader: ``python -m tests.corpus [--how HOW] [PATTERN]``."""

import argparse
import fnmatch
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.corpus.catalogue import every_cell
from tests.corpus.sound import make_sound
from tests.corpus.verdict import forked, in_process, in_subprocess, try_cell

HOW = {'forked': forked, 'started': in_subprocess, 'in-process': in_process}


def main() -> int:
    """Try cells; the exit status is 1 where one was met badly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('pattern', nargs='?', default='*')
    parser.add_argument('--how', choices=HOW, default='forked')
    parser.add_argument('-v', '--verbose', action='store_true', help='name each cell before it is tried')
    arguments = parser.parse_args()
    chosen = [cell for cell in every_cell() if fnmatch.fnmatch(cell.name, arguments.pattern)]
    tried, well, started = Counter[str](), Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sound = make_sound(Path(folder, 'made'))
        for number, cell in enumerate(chosen):
            place = Path(folder, str(number))
            if arguments.verbose:
                print(cell.name, file=sys.stderr, flush=True)
            problems = try_cell(cell, sound, place, run=HOW[arguments.how])
            shutil.rmtree(place)
            tried[cell.reader] += 1
            well[cell.reader] += not problems
            if problems:
                print(f'{cell.name}:', *problems, sep='\n    ', flush=True)
    print('\n| reader | cells | met well |\n|---|---|---|')
    for reader, count in tried.items():
        print(f'| {reader} | {count} | {well[reader]} |')
    print(f'| all | {tried.total()} | {well.total()} |\n{time.monotonic() - started:.0f} s')
    return int(well.total() < tried.total())


if __name__ == '__main__':
    raise SystemExit(main())
