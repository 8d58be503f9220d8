"""Run a grid, or read the tables of some, and tell how their cells compare."""

from collections.abc import Sequence
from pathlib import Path

from geo_noisy.errors import InputError
from geo_noisy.experiments.grids.grid import read_comparisons, read_grid
from geo_noisy.experiments.judging.compare import compare
from geo_noisy.experiments.judging.primary import kept_primary, read_primary
from geo_noisy.experiments.names import plain
from geo_noisy.experiments.reporting.method_figures import write_method_figures
from geo_noisy.experiments.reporting.report import write_report
from geo_noisy.experiments.results import metric_of, prepare
from geo_noisy.experiments.running.plan import plan
from geo_noisy.experiments.running.sweep import Engine, run_grid
from geo_noisy.experiments.table import read_table, stack_rows


def sweep(
    grid: Path,
    folder: Path,
    *,
    engine: Engine = 'local',
    processes: int = 1,
    cpus: float = 1,
    gpus: float = 0,
    dry_run: bool = False,
) -> bool:
    """Run the cells of a grid file, print how they compare, and write the report.

    Args:
        grid: Grid file, a YAML of settings and seeds; some come with the package, in ``configs/sweeps``.
        folder: Folder of runs and results.
        engine: Where cells run: on this machine, or spread over a Ray cluster.
        processes: Cells that run at once on this machine.
        cpus: CPUs of a cell, for Ray.
        gpus: GPUs of a cell, or a share of one, for Ray.
        dry_run: Check all cells, say what there is to do and what it costs, and run nothing.

    Returns:
        Whether all cells ended well but for those that the grid allows to fail.
    """
    cells, comparisons, primary = read_grid(grid), read_comparisons(grid), read_primary(grid)
    if dry_run:
        print(plan(cells, folder))
        return True
    print(f'{len(cells)} cells: pretrain an encoder or not, probe it, test. Run folder: {folder}')
    table = run_grid(cells, folder, primary=primary, engine=engine, processes=processes, cpus=cpus, gpus=gpus)
    failed, table = table[table['error'].notna()], table[table['error'].isna()]
    for data, rows in table.groupby('data', sort=False) if len(table) else ():
        print(compare(rows, comparisons, metric=metric_of(str(data))))
    if len(table):
        write_report(folder, table, command=f'geo-noisy report {folder}', primary=primary)
    optional = failed['key'].isin([cell.key for cell in cells if cell.optional])
    for _, row in failed[optional].iterrows():
        print(f'Left out, as the grid allows: {plain(row["name"])} ({plain(row["error"])}).')
    if not optional.all():
        count = int((~optional).sum())
        print(f'{count} cells failed; see the column `error` of {folder / "results.csv"}. Run again to retry.')
        return False
    print(f'Table: {folder / "results.csv"}  Figures: {folder / "figures"}  Report: {folder / "report.md"}')
    return True


def report(
    tables: Sequence[Path], *, output: Path | None = None, textures: Path | None = None, xbd: Path | None = None
) -> Path:
    """Draw the paper's figures from tables of results, and judge its claims.

    Args:
        tables: Results.parquet or .csv of sweeps, or their folders.
        output: Folder of the report; that of the first table by default.
        textures: Folder of DTD for figure 3; embedded textures by default.
        xbd: Folder of xBD for figure 6; VTS stands in by default.

    Returns:
        Path of the report.

    Raises:
        InputError: If a table holds no results.
    """
    first = tables[0]
    folder = output or (first if first.is_dir() else first.parent)
    frames = [read_table(path) for path in tables]
    empty = [str(path) for path, frame in zip(tables, frames, strict=True) if frame.empty]
    if empty:
        raise InputError(f'{", ".join(empty)}: no table of results. Run `geo-noisy sweep GRID --output FOLDER` first.')
    options = {'--output': output, '--textures': textures, '--xbd': xbd}
    given = [f'{option} {value}' for option, value in options.items() if value is not None]
    command = ' '.join(['geo-noisy report', *map(str, tables), *given])
    table = stack_rows(frames)
    if prepare(table).empty:  # what cannot serve is told before anything is written
        raise InputError('The tables hold no cell that ended well: see their column `error`.')
    figures = write_method_figures(folder / 'figures', vts_root=textures, xbd_root=xbd)
    primary = [test for path in tables for test in kept_primary(path if path.is_dir() else path.parent)]
    return write_report(folder, table, command=command, method_figures=figures, primary=primary)
