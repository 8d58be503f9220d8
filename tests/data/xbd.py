"""A small xBD tree: image pairs whose pixels say where they are, and labels as the published ones are."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 1024
SHARED = Path(__file__).resolve().parents[3] / 'shared' / 'data' / 'xbd'
"""The real pairs, where they are."""

DEGREES_PER_PX = (5e-6, -4e-6)
ORIGIN = {'pre': (-90.0, 14.0), 'post': (-90.0 + 1e-5, 14.0)}


@dataclass(frozen=True)
class Building:
    """An upright rectangle, in pixels, with its damage after the disaster."""

    x: float
    y: float
    width: float = 40.0
    height: float = 30.0
    subtype: str = 'no-damage'

    @property
    def corners(self) -> NDArray[np.float64]:
        """Closed ring [5, 2]."""
        right, bottom = self.x + self.width, self.y + self.height
        return np.array([(self.x, self.y), (right, self.y), (right, bottom), (self.x, bottom), (self.x, self.y)])


# One tile of 512 px each: damaged, whole, un-classified, and none at all.
BUILDINGS = (
    Building(100, 100, subtype='destroyed'),
    Building(200, 100, subtype='minor-damage'),
    Building(600, 50),
    Building(50, 700, subtype='un-classified'),
)


def image_pixels(number: int, date: str) -> NDArray[np.uint8]:
    """Red is x / 4, green is y / 4, blue tells the image and the date; [1024, 1024, 3]."""
    ramp = np.arange(SIDE_PX) // 4
    pixels = np.empty((SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    pixels[..., 0], pixels[..., 1] = ramp[None], ramp[:, None]
    pixels[..., 2] = 2 * number + (date == 'post')
    return pixels


def wkt(corners: NDArray[np.float64]) -> str:
    """A polygon as well-known text, with every digit."""
    return 'POLYGON ((' + ', '.join(f'{x!r} {y!r}' for x, y in corners.tolist()) + '))'


def label_document(
    disaster: str, number: int, date: str, buildings: Sequence[Building], *, time: str | None = None
) -> dict:
    """A label as the published ones are; uids are functions of image and place in the list."""
    xy, lng_lat = [], []
    for place, building in enumerate(buildings):
        uid = str(uuid.uuid5(uuid.NAMESPACE_URL, f'{disaster}/{number}/{place}'))
        properties = {'feature_type': 'building', 'uid': uid}
        if date == 'post':
            properties['subtype'] = building.subtype
        world = building.corners * DEGREES_PER_PX + ORIGIN[date]
        xy.append({'properties': properties, 'wkt': wkt(building.corners)})
        lng_lat.append({'properties': dict(properties), 'wkt': wkt(world)})
    return {
        'features': {'lng_lat': lng_lat, 'xy': xy},
        'metadata': {
            'sensor': 'GEOEYE01' if date == 'pre' else 'WORLDVIEW02',
            'gsd': 1.9,
            'pan_resolution': 0.47,
            'off_nadir_angle': 10.0 if date == 'pre' else 28.0,
            'capture_date': time or ('2017-06-21T19:09:01.000Z' if date == 'pre' else '2017-10-11T19:19:41.000Z'),
            'disaster': disaster,
            'width': SIDE_PX,
            'height': SIDE_PX,
            'img_name': f'{disaster}_{number:08d}_{date}_disaster.png',
        },
    }


def paths(root: Path, disaster: str, number: int, date: str, *, folder: str = 'train') -> tuple[Path, Path]:
    """Image and label of one date."""
    name = f'{disaster}_{number:08d}_{date}_disaster'
    return root / folder / 'images' / f'{name}.png', root / folder / 'labels' / f'{name}.json'


def write_pair(
    root: Path, disaster: str, number: int, buildings: Sequence[Building] = BUILDINGS, *, folder: str = 'train'
) -> None:
    """Write the four files of an image pair."""
    for date in ('pre', 'post'):
        image, label = paths(root, disaster, number, date, folder=folder)
        image.parent.mkdir(parents=True, exist_ok=True)
        label.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image_pixels(number, date)).save(image, compress_level=1)
        label.write_text(json.dumps(label_document(disaster, number, date, buildings)))


def write_tree(root: Path) -> Path:
    """Two disasters for training (one in tier3) and one for testing; in each the last image has no building."""
    for disaster, folder, images in (
        ('alpha-flood', 'train', 3),
        ('beta-fire', 'tier3', 3),
        ('alpha-flood', 'test', 2),
    ):
        for number in range(images):
            # Test images have numbers of their own, as the published ones do.
            shown = number + (100 if folder == 'test' else 0)
            write_pair(root, disaster, shown, () if number == images - 1 else BUILDINGS, folder=folder)
    return root


def edit_label(path: Path, change) -> None:
    """Change a label in place by a function of its document."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
