"""The paper's claims: differences between groups of cells, by their factors."""

import dataclasses
from dataclasses import dataclass
from typing import Optional

CLEAN = 'r_pairs == 0'
NOISY = 'r_pairs > 0 and not mere_exposure'
PARTLY = f'{NOISY} and r_img < 1'
EXPOSED = 'r_pairs > 0 and mere_exposure'
FALSE = 'r_pairs == 1 and r_img == 1 and not mere_exposure'


@dataclass(frozen=True)
class Claim:
    """A statement about the difference between two groups of cells.

    Attributes:
        text: The statement.
        data: Data set.
        loss: Loss.
        first: Which cells are compared, as a query over the factors.
        second: Which they are compared with.
        paper: What the paper prints.
        equal: Columns in which a cell and the one it is compared with are equal, beside the seed.
        second_loss: Loss, or baseline, of the second group, where it is another.
        minus: A claim whose difference is taken off.
    """

    text: str
    data: str
    loss: str
    first: str
    second: str
    paper: str
    equal: tuple[str, ...] = ()
    second_loss: str | None = None
    minus: Optional['Claim'] = None


def _each_loss(
    text: str, data: str, first: str, second: str, paper: dict[str, str], equal: tuple[str, ...] = ()
) -> list[Claim]:
    return [Claim(text.format(loss=loss), data, loss, first, second, said, equal) for loss, said in paper.items()]


_LOSSES = ('MoCo', 'within-image', 'cross-image')

_BEYOND_EXPOSURE = {
    loss: Claim(
        f'Noisy pairs do better than mere exposure on VTS, {loss}',
        'VTS',
        loss,
        NOISY,
        EXPOSED,
        paper,
        ('r_pairs', 'r_img'),
    )
    for loss, paper in {
        'MoCo': 'mean +6.8, sd 4.1',
        'within-image': 'mean +1.1, sd 2.3',
        'cross-image': 'mean +0.6, sd 2.2',
    }.items()
}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        'False positive pairs harm classification (all pairs false)',
        'CIFAR-10',
        'MoCo',
        NOISY + ' and r_pairs == 1',
        CLEAN,
        'falls with the rate (Fig. 1, no number printed)',
    ),
    *_each_loss(
        'Noisy pairs do not harm on xBD, {loss}',
        'xBD',
        NOISY,
        CLEAN,
        {'MoCo': 'up to +2.4', 'within-image': '-0.2 to +1.4', 'cross-image': '-0.2 to +1.4'},
    ),
    *_each_loss(
        'Noisy pairs help on VTS, {loss}, r_img < 1',
        'VTS',
        PARTLY,
        CLEAN,
        dict.fromkeys(('MoCo', 'within-image', 'cross-image'), 'gain (Fig. 4 and 5, no number printed)'),
    ),
    Claim(
        'More noisy pairs help MoCo more on VTS (r_pairs 1 against 0.25)',
        'VTS',
        'MoCo',
        PARTLY + ' and r_pairs == 1',
        PARTLY + ' and r_pairs == 0.25',
        'rises with r_pairs (Fig. 4)',
        ('r_img',),
    ),
    *_each_loss(
        'More noisy pairs do not help {loss} more on VTS (r_pairs 1 against 0.25)',
        'VTS',
        PARTLY + ' and r_pairs == 1',
        PARTLY + ' and r_pairs == 0.25',
        dict.fromkeys(('within-image', 'cross-image'), 'no additional gains above 25 % in most experiments'),
        ('r_img',),
    ),
    Claim(
        'False positives do not help MoCo on VTS (r_pairs = r_img = 1)',
        'VTS',
        'MoCo',
        FALSE,
        CLEAN,
        'no improvement, or a decline (Fig. 4)',
    ),
    *_each_loss(
        'At r_img = 1 noisy pairs do not help on VTS, {loss}, r_pairs < 1',
        'VTS',
        f'{NOISY} and r_img == 1 and r_pairs < 1',
        CLEAN,
        dict.fromkeys(_LOSSES, 'no improvement, or a decline (Fig. 4 and 5)'),
    ),
    *_each_loss(
        'False positives harm on VTS, {loss} (r_pairs = r_img = 1)',
        'VTS',
        FALSE,
        CLEAN,
        dict.fromkeys(('within-image', 'cross-image'), 'large drop (Fig. 5)'),
    ),
    *_BEYOND_EXPOSURE.values(),
    *[
        dataclasses.replace(
            _BEYOND_EXPOSURE['MoCo'],
            text=f"MoCo's gap between noisy pairs and mere exposure is above that of {loss} on VTS",
            paper=f'+6.8 against {points}',
            minus=_BEYOND_EXPOSURE[loss],
        )
        for loss, points in {'within-image': '+1.1', 'cross-image': '+0.6'}.items()
    ],
    *_each_loss(
        'Mere exposure alone helps on VTS, {loss}, r_img < 1: a part of the gain',
        'VTS',
        f'{EXPOSED} and r_img < 1',
        CLEAN,
        dict.fromkeys(_LOSSES, 'partly caused by exposure (contribution 3, no number printed)'),
    ),
    *_each_loss(
        'Noisy pairs do better than mere exposure on xBD, {loss}',
        'xBD',
        NOISY,
        EXPOSED,
        dict.fromkeys(('MoCo', 'within-image', 'cross-image'), 'tends to (Fig. 7, no number printed)'),
        ('r_pairs',),
    ),
    *[
        Claim(
            f'Pretraining beats ImageNet weights on {data}, {loss}',
            data,
            loss,
            CLEAN,
            'True',
            paper,
            second_loss='ImageNet',
        )
        for data, paper in {'xBD': '.287 against .254 (the best of all)', 'VTS': ''}.items()
        for loss in _LOSSES
    ],
)
