"""Every target in turn, from the corpus that is kept: ``python -m tests.fuzz [--seconds N] [TARGET ...]``."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / 'corpus'
LONGEST_INPUT_S = 20


def main() -> int:
    """Fuzz; the exit status is 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('targets', nargs='*', help=', '.join(TARGETS))
    parser.add_argument('--seconds', type=int, default=900, help='for each target')
    arguments = parser.parse_args()
    found = 0
    for name in arguments.targets or TARGETS:
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        words = [str(folder), f'-max_total_time={arguments.seconds}', f'-timeout={LONGEST_INPUT_S}', '-max_len=8192',
                 f'-artifact_prefix={folder.parent}/found_{name}_', '-print_final_stats=1']  # fmt: skip
        done = subprocess.run(
            [sys.executable, '-m', 'tests.fuzz.run', name, *words], capture_output=True, text=True, check=False
        )
        inputs = re.search(r'number_of_executed_units:\s*(\d+)', done.stderr)
        print(f'{name}: {inputs[1] if inputs else "?"} inputs, exit status {done.returncode}', flush=True)
        if done.returncode:
            found += 1
            print(done.stderr[-3000:])
    return int(found > 0)


if __name__ == '__main__':
    raise SystemExit(main())
