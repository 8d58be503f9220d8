"""The paper's figures, from rows with effects that are known."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from geo_noisy.datasets import VTSPairs
from geo_noisy.experiments.reporting.figures import (
    paper_figures,
    plot_changes,
    plot_exposure,
    plot_noise_grid,
    plot_scores,
)
from geo_noisy.experiments.reporting.method_figures import plot_noisy_and_exposure, plot_vts_generation
from geo_noisy.experiments.results import prepare
from geo_noisy.experiments.table import stack_rows
from tests.experiments.rows import row, table


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    plt.close('all')


class TestFigures:
    def test_lines_of_figure_4(self) -> None:
        axes = plot_noise_grid(prepare(table()), ['MoCo']).axes[0]
        lines = {str(line.get_label()): line for line in axes.get_lines()}
        half = lines['per-image noise $r_{img}$ = 0.5']
        assert list(half.get_xdata()) == [0.0, 1.0]
        assert list(half.get_ydata()) == pytest.approx([53.0, 58.0])
        assert 'random encoder' in lines
        assert axes.get_xlabel() == 'noisy pairs rate $r_{pairs}$'

    def test_a_level_of_noise_has_one_colour_in_all_panels(self) -> None:
        other = table().replace({'loss': {'MoCo': 'RINCE'}})
        other = other[(other['r_img'] != 0.5) & (other['loss'] == 'RINCE')]
        panels = plot_noise_grid(
            prepare(stack_rows([table(), other]).assign(key=lambda frame: range(len(frame)))), ['MoCo', 'RINCE']
        ).axes
        colours = [{str(line.get_label()): line.get_color() for line in axes.get_lines()} for axes in panels[:2]]
        assert colours[0]['per-image noise $r_{img}$ = 1'] == colours[1]['per-image noise $r_{img}$ = 1']
        assert 'per-image noise $r_{img}$ = 0.5' not in colours[1]

    def test_a_line_has_the_same_seeds_at_every_rate(self) -> None:
        more = pd.DataFrame([row(seed, 90.0) for seed in (7, 8)])
        axes = plot_noise_grid(prepare(stack_rows([table(), more])), ['MoCo']).axes[0]
        assert next(iter(axes.get_lines()[0].get_ydata())) == pytest.approx(53.0)

    def test_exposure_differences(self) -> None:
        axes = plot_exposure(prepare(table()), ['MoCo']).axes[0]
        assert list(axes.get_lines()[0].get_ydata()) == pytest.approx([5.0])

    def test_figure_1_takes_changes_from_the_clean_seed(self) -> None:
        figure = plot_changes(prepare(table()))
        assert figure is not None
        assert list(figure.axes[0].get_lines()[0].get_ydata()) == pytest.approx([0.0, 5.0])
        assert plot_changes(prepare(table()[lambda frame: frame['r_pairs'] != 1])) is None

    @pytest.mark.parametrize('losses', [['MoCo'], ['within-image', 'cross-image'], ['MoCo', 'RINCE']])
    def test_nothing_is_cut_off(self, losses: list[str]) -> None:
        pretrained = table()[lambda frame: frame['loss'] == 'MoCo']
        others = [pretrained.assign(loss=loss) for loss in losses]
        baselines = [
            row(0, 60.0, loss=loss, r_pairs=None)
            for loss in ('random encoder', 'random encoder, uncalibrated', 'supervised')
        ]
        rows = prepare(
            stack_rows([*others, pd.DataFrame(baselines)]).assign(key=lambda frame: range(len(frame)), data='VTS')
        )
        cifar = [
            row(seed, 60, data='CIFAR-10', r_pairs=rate, key=str((seed, rate)))
            for seed in (0, 1)
            for rate in (0.0, 1.0)
        ]
        both = stack_rows([rows, prepare(pd.DataFrame(cifar))])
        for name, figure in [*paper_figures(both), ('scores', plot_scores(rows))]:
            figure.canvas.draw()
            width, height = figure.canvas.get_width_height()
            box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)  # of all that is drawn, in pixels
            assert box.x0 > 0, name
            assert box.y0 > 0, name
            assert box.x1 < width, name
            assert box.y1 < height, name

    def test_only_figures_with_data(self) -> None:
        names = [name for name, _ in paper_figures(prepare(table()))]
        assert names == ['figure_1_false_and_noisy_pairs', 'figure_4_vts_scores', 'figure_8_vts_noisy_minus_exposure']
        dense = [name for name, _ in paper_figures(prepare(table().replace({'loss': {'MoCo': 'within-image'}})))]
        assert dense[1:] == ['figure_5_vts_scores', 'figure_9_vts_noisy_minus_exposure']
        xbd = prepare(table().replace({'data': {'VTS': 'xBD'}}))
        assert [name for name, _ in paper_figures(xbd)][1:] == ['image_xbd_scores', 'figure_7_xbd_noisy_minus_exposure']

    def test_method_figures(self) -> None:
        vts = VTSPairs(size_px=32, cells=4, count=3, r_img=0.5)
        cells = plot_vts_generation(vts).axes
        changed = cells[2].images[0].get_array()
        assert changed is not None
        assert float(np.mean(changed)) == pytest.approx(vts.index['noise'][0], abs=0.05)
        axes = plot_noisy_and_exposure(vts).axes
        before, after, exposed = (axes[number].images[0].get_array() for number in (0, 1, 4))
        assert not np.array_equal(before, after)
        assert np.array_equal(exposed, after)  # the later image twice

    def test_nothing_noisy_to_draw(self) -> None:
        with pytest.raises(ValueError, match='No pair is noisy'):
            plot_noisy_and_exposure(VTSPairs(size_px=16, cells=4, count=2, r_img=0.0))
