"""``geo-noisy configs``: list the configs that come with geo-noisy, or copy some to change them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import geo_noisy
from geo_noisy.commands.parsing.options import Options
from geo_noisy.errors import UsageError

_INSIDE = Path(geo_noisy.__file__).parent / 'configs'
_CHECKOUT = Path(geo_noisy.__file__).parents[1] / 'configs'
SHIPPED = _INSIDE if _INSIDE.is_dir() else _CHECKOUT  # a wheel holds them inside the package


def run(command: str, words: Sequence[str]) -> int:
    """List configs, or copy them."""
    options = Options(command, __doc__)
    options.take(copy_configs, 'configs to copy', names={'folder': 'output'}, positional='names', needs='output')
    chosen = options.parse(words)
    if chosen['output'] is None:
        print('\n'.join(f'{path.as_posix():<30}{_first_line(path)}' for path in config_names()))
    else:
        copied = chosen.call(copy_configs)
        print('\n'.join(f'Written: {path}' for path in copied))
    return 0


def config_names() -> list[Path]:
    """Paths of the configs, from the folder in which they lie; stages of sweeps are found by the sweeps."""
    return sorted(path.relative_to(SHIPPED) for path in SHIPPED.rglob('*.yaml') if path.parent.name != 'stages')


def copy_configs(names: Sequence[str] = (), *, folder: Path) -> list[Path]:
    """Copy configs into a folder, where they keep their own folders: a sweep finds its stages there.

    Args:
        names: Configs to copy, such as vts/moco.yaml, or folders of them, such as sweeps; all by default.
        folder: Where to.

    Returns:
        The files that were written.

    Raises:
        UsageError: If there is no such config, or a file is there already.
    """
    missing = [name for name in names if not _is_shipped(SHIPPED / name)]
    if missing:
        raise UsageError(f'There is no config {", ".join(missing)}; `geo-noisy configs` lists them.')
    chosen = [SHIPPED / name for name in names] or [SHIPPED]
    chosen += [SHIPPED / 'sweeps' / 'stages' for path in chosen if (SHIPPED / 'sweeps') in path.parents]
    files = sorted({file for path in chosen for file in (path.rglob('*.yaml') if path.is_dir() else [path])})
    targets = [folder / file.relative_to(SHIPPED) for file in files]
    there = [str(target) for target in targets if target.exists()]
    if there:
        raise UsageError(f'{there[0]} is there already; choose another --output, or remove it.')
    for file, target in zip(files, targets, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return targets


def _is_shipped(path: Path) -> bool:
    """Whether a path is a config or a folder of them, and leads to no other place."""
    inside = path.resolve().is_relative_to(SHIPPED.resolve()) and '..' not in path.relative_to(SHIPPED).parts
    return inside and (path.is_dir() or (path.is_file() and path.suffix == '.yaml'))


def _first_line(name: Path) -> str:
    return (SHIPPED / name).read_text(encoding='utf-8').splitlines()[0].lstrip('# ')
