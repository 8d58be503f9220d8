"""The gallery is drawn, and shows what the losses do."""

import re
from pathlib import Path

import pytest
import torch
from PIL import Image

from geo_noisy.gallery.attraction import attraction
from geo_noisy.gallery.draw import PICTURES
from geo_noisy.gallery.loss_pictures import CELLS, anchors_of, cross_image, same_ground, whole_images, within_image
from geo_noisy.losses.functional import info_nce
from geo_noisy.main import main

ROOT = Path(__file__).parents[2]


def test_the_command_draws_every_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = torch.get_rng_state()
    assert main(['gallery', str(tmp_path), '--steps', '2', '--file-format', 'jpg']) == 0
    output = capsys.readouterr()
    written = output.out.splitlines()
    assert 'GPU' not in output.err
    assert written == [f'Written: {tmp_path / name}.jpg' for name in PICTURES]
    for name in PICTURES:
        with Image.open(tmp_path / f'{name}.jpg') as picture:
            assert min(picture.size) > 200
            assert len(set(picture.convert('L').get_flattened_data())) > 50  # something is drawn
    assert torch.equal(state, torch.get_rng_state())


def test_no_steps_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['gallery', 'x', '--steps', '0']) == 2
    assert 'steps is 0; the encoder of the gallery needs one' in capsys.readouterr().err


def test_the_page_shows_every_picture() -> None:
    page = (ROOT / 'docs' / 'gallery.md').read_text(encoding='utf-8')
    shown = re.findall(r'\(images/gallery/(\w+)\.jpg\)', page)
    assert sorted(shown) == sorted(PICTURES)


def test_attraction_is_the_softmax_less_the_positive() -> None:
    pulled = attraction(lambda query, keys: info_nce(query, keys[:1], keys[1:], 0.5), anchors=1, candidates=4, anchor=0)
    assert pulled.tolist() == pytest.approx([1.5, -0.5, -0.5, -0.5])  # (1 - 1/4) / 0.5, and -(1/4) / 0.5


def test_whole_images() -> None:
    assert whole_images(3).sign()[:, 0, 0].tolist() == [1, -1, -1]


@pytest.fixture
def labels() -> torch.Tensor:
    """Two pairs, the left half of each image of class 0, the right one of class 1; four cells of one are ignored."""
    halves = torch.zeros(2, 2, CELLS, CELLS, dtype=torch.int64)
    halves[..., CELLS // 2 :] = 1
    halves[0, 1, 0, :4] = 255
    return halves


def test_within_image(labels: torch.Tensor) -> None:
    pulled = within_image(labels, anchor=CELLS)  # left, second row
    assert pulled[0].sign()[1:, :4].unique().tolist() == [1]
    assert pulled[0].sign()[:, 4:].unique().tolist() == [-1]
    assert pulled[0, 0, :4].tolist() == [0] * 4
    assert pulled[1].unique().tolist() == [0]


def test_cross_image_has_no_negatives_elsewhere(labels: torch.Tensor) -> None:
    pulled = cross_image(labels, anchor=CELLS)
    assert pulled[1].sign()[:, :4].unique().tolist() == [1]
    assert pulled[1].sign()[:, 4:].unique().tolist() == [0]
    assert pulled[0].sign()[:, 4:].unique().tolist() == [-1]


def test_same_ground() -> None:
    share = torch.zeros(2, CELLS * CELLS)
    share[0, :8] = 1
    unchanged, changed = anchors_of(share[0])
    assert (unchanged // CELLS in (3, 4), changed // CELLS) == (True, 0)
    kept = same_ground(share, changed, 'keep').sign().flatten(1)
    assert (kept[0] == 1).nonzero().flatten().tolist() == [changed]
    assert kept[0, changed + CELLS] == 0  # too near to be a negative
    assert kept[1].unique().tolist() == [-1]
    pushed = same_ground(share, changed, 'negative').sign().flatten(1)
    assert pushed[0, changed] == -1
    dropped = same_ground(share, changed, 'drop')
    assert dropped.unique().tolist() == [0]
