"""How often the demo shows its effect: its headline on up to twenty triples of seeds, none of which it was chosen on.

    OMP_NUM_THREADS=1 python tests/benchmarks/report_demo.py --output docs/results/demo

Runs the demo's clean pretraining and both random encoders on seeds 0 to 59, or the first `--seeds` of them (an hour of
one CPU core; goes on where it was stopped), judges each three seeds in turn as the demo does, and writes the rows and
the count.
"""

import argparse
from pathlib import Path

import pandas as pd
import yaml

from geo_noisy.experiments.demo import DEMO, headline
from geo_noisy.experiments.grids.grid import read_grid
from geo_noisy.experiments.results import prepare
from geo_noisy.experiments.running.sweep import run_grid
from geo_noisy.whole_file import whole_file

CELLS = 3  # both random encoders and the clean pretraining come first


def judge(table: pd.DataFrame) -> pd.DataFrame:
    """One row a triple: what the demo would have said."""
    rows = []
    for first in range(0, int(table['seed'].max()) + 1, 3):
        of_triple = table[table['seed'].between(first, first + 2)]
        if of_triple['seed'].nunique() < 3:
            continue
        gate = headline(of_triple)
        assert gate.found is not None  # three seeds have both sides
        gain = gate.found.interval
        ends = {'gain': gain.mean, 'low': gain.low, 'high': gain.high, 'above_zero': gate.passed}
        rows.append({'seeds': f'{first} to {first + 2}', 'better_random': gate.random, **ends})
    return pd.DataFrame(rows).round(1)


def main() -> None:
    """Run, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--runs', type=Path, default=Path('runs/demo_seeds'))
    parser.add_argument('--seeds', type=int, default=60)
    parser.add_argument('--processes', type=int, default=1)
    options = parser.parse_args()
    grid = yaml.safe_load(DEMO.read_text()) | {'seeds': list(range(options.seeds)), 'compare': []}
    grid['cells'] = grid['cells'][:CELLS]
    options.runs.mkdir(parents=True, exist_ok=True)
    path = options.runs / 'grid.yaml'
    path.write_text(yaml.safe_dump(grid, sort_keys=False))
    table = prepare(run_grid(read_grid(path), options.runs, processes=options.processes))
    options.output.mkdir(parents=True, exist_ok=True)
    triples = judge(table)
    for name, rows in (('scores', table[['name', 'seed', 'score', 'commit']].round(2)), ('triples', triples)):
        with whole_file(options.output / f'{name}.csv') as beside:
            rows.to_csv(beside, index=False)
    print(triples.to_string(index=False))
    print(f'{int(triples["above_zero"].sum())} of {len(triples)} triples show a gain with an interval above zero.')


if __name__ == '__main__':
    main()
