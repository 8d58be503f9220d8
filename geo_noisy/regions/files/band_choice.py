"""Which bands of captures are taken: by name, and by what each shows where sensors name them differently."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from geo_noisy.regions.files.captures import Layer
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.product_files import Draft

_USUAL = 0.5  # of the captures of a sensor


@dataclass(frozen=True)
class Choice:
    """The bands that are taken.

    Attributes:
        names: Their names, in order.
        layers: The bands of each capture in that order; None where it lacks one.
        problems: (reason, example) of each capture that lacks one.
        doubts: What was assumed.
    """

    names: tuple[str, ...]
    layers: list[tuple[Layer, ...] | None]
    problems: list[tuple[str, str]]
    doubts: list[Doubt]


def choose_bands(drafts: Sequence[Draft], wanted: Sequence[str] | None = None) -> Choice:
    """Choose the bands of captures.

    Where none are stated, these are the bands that at least half of the captures of a sensor have, and that all
    sensors have.

    Args:
        drafts: The captures.
        wanted: Names of bands, or of what they show, in their order.

    Raises:
        ValueError: If a wanted band is unknown, or given twice.
    """
    sensors = _by_sensor(drafts)
    shown, doubts = (_common(sensors), []) if wanted is None else _wanted(sensors, [str(name) for name in wanted])
    names = tuple(_name(sensors, shows) for shows in shown)
    layers, problems = [], []
    for draft in drafts:
        own = {draft.kind.bands[name]: layer for name, (_, layer) in draft.bands.items()}
        missing = [name for name, shows in zip(names, shown, strict=True) if shows not in own]
        chosen = None if missing else tuple(own[shows] for shows in shown)
        layers.append(chosen and tuple(layer._replace(name=name) for layer, name in zip(chosen, names, strict=True)))
        if missing:
            problems.append((f'lacks {", ".join(missing)}; choose --bands that all captures have', draft.example))
    return Choice(names, layers, problems, doubts + _fewer(sensors, shown) * (wanted is None))


@dataclass(frozen=True)
class _Sensor:
    """Captures whose bands are named alike."""

    name: str
    bands: dict[str, str]
    usual: tuple[str, ...]
    """What the bands show that at least half of the captures have."""


def _by_sensor(drafts: Sequence[Draft]) -> list[_Sensor]:
    """Sensors, that of most captures first."""
    groups: dict[tuple[tuple[str, str], ...], list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(tuple(draft.kind.bands.items()), []).append(draft)
    found = []
    for bands, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        counts = Counter(name for draft in members for name in draft.bands)
        usual = tuple(shows for name, shows in bands if counts[name] >= _USUAL * len(members))
        found.append(_Sensor(members[0].sensor, dict(bands), usual))
    return found


def _common(sensors: Sequence[_Sensor]) -> list[str]:
    """What the bands show that all sensors have; of the first sensor where they have none in common."""
    shared = set.intersection(*(set(sensor.usual) for sensor in sensors))
    return [shows for shows in sensors[0].usual if shows in shared or not shared]


def _wanted(sensors: Sequence[_Sensor], wanted: list[str]) -> tuple[list[str], list[Doubt]]:
    """What the wanted bands show."""
    shown, doubts = [], []
    for name in wanted:
        meanings = list(dict.fromkeys(sensor.bands[name] for sensor in sensors if name in sensor.bands))
        if not meanings and not any(name in sensor.bands.values() for sensor in sensors):
            known = dict.fromkeys(band for sensor in sensors for band in sensor.bands)
            raise ValueError(f'There is no band {name!r}; choose from {", ".join(known)}.')
        shown.append(meanings[0] if meanings else name)
        if len(meanings) > 1:
            told = ', '.join(f'{s.bands[name]} of {s.name}' for s in sensors if name in s.bands)
            text = f'{name} is {told}; {meanings[0]} is taken, where a capture has it'
            doubts.append(Doubt('bands', text, f'--bands {" or ".join(meanings)} says which.'))
    if len(set(shown)) < len(shown):
        raise ValueError(f'bands are {wanted}; each can be given once.')
    return shown, doubts


def _name(sensors: Sequence[_Sensor], shows: str) -> str:
    """The name of a band where all sensors call it alike, else what it shows."""
    names = {name for sensor in sensors for name, meaning in sensor.bands.items() if meaning == shows}
    return names.pop() if len(names) == 1 else shows


def _fewer(sensors: Sequence[_Sensor], shown: Sequence[str]) -> list[Doubt]:
    """Bands that only some sensors have."""
    others = [shows for sensor in sensors for shows in sensor.usual if shows not in shown]
    if not others:
        return []
    names = ' and '.join(dict.fromkeys(sensor.name for sensor in sensors))
    text = f'of the bands of {names}, those that both have are taken, not {", ".join(dict.fromkeys(others))}'
    return [Doubt('bands', text, '--bands chooses others.')]
