"""Measure all comparisons, or those named, and write the table.

python -m tests.benchmarks [losses] [views] [step] [region] [epoch] [files] [embed] [--output PATH]
"""

import argparse
import os
import platform
import warnings
from importlib.metadata import version
from pathlib import Path

import torch

from geo_noisy.whole_file import whole_file
from tests.benchmarks import (
    bench_embed,
    bench_epoch,
    bench_files,
    bench_losses,
    bench_region,
    bench_step,
    bench_views,
)  # fmt: skip
from tests.benchmarks.rows import HEADER, line

INTRO = """# Benchmarks

Written by `make bench`. Ours and the peer take turns; times are medians of process CPU time, the ratio is the peer's
over ours (above 1, ours is faster), its spread that of the middle half of the rounds. Findings:
[speed](../decisions/speed.md)."""

BENCHES = {
    'losses': bench_losses, 'views': bench_views, 'step': bench_step, 'region': bench_region, 'epoch': bench_epoch,
    'files': bench_files, 'embed': bench_embed,
}  # fmt: skip


def machine() -> str:
    """Processor and versions."""
    found = Path('/proc/cpuinfo').read_text() if Path('/proc/cpuinfo').exists() else ''
    names = {row.split(':')[1].strip() for row in found.splitlines() if row.startswith('model name')}
    versions = ', '.join(f'{name} {version(name)}' for name in ('torch', 'torchgeo', 'kornia', 'lightly'))
    amx = 'with' if 'amx_bf16' in found else 'without'
    return (
        f'{", ".join(names) or platform.processor()}, {os.cpu_count()} cores, {amx} amx_bf16; {versions}; one thread.'
    )


def main() -> None:
    """Run what is named, all by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', help=f'of {", ".join(BENCHES)}')
    parser.add_argument('--output', type=Path)
    asked = parser.parse_args()
    unknown = set(asked.names) - set(BENCHES)
    if unknown:
        parser.error(f'{sorted(unknown)} are no benchmarks: choose from {", ".join(BENCHES)}.')
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    torch.manual_seed(0)
    intro = f'{INTRO}\n\n{machine()}\n'
    lines = [intro, HEADER]
    print(*lines, sep='\n', flush=True)
    for name in asked.names or BENCHES:
        for comparison in BENCHES[name].comparisons():
            lines.append(line(comparison))
            print(lines[-1], flush=True)
    if asked.output:
        with whole_file(asked.output) as path:
            Path(path).write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
