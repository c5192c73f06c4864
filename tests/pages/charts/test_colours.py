"""What is seen: by every sight, in grey, on a light and on a dark ground.

Colour differences (CIEDE2000), the simulation of protanopia and deuteranopia (Machado, Oliveira and Fernandes 2009) and
contrast (WCAG) are coloraide's.
"""

import re
from itertools import combinations
from typing import get_args

import altair as alt
import pytest
import vl_convert
from coloraide import Color

from engine.data import generate
from pages.charts import theme
from pages.charts.evolution import CURVES, evolution_chart, evolution_tables
from pages.charts.map_along import shades
from pages.charts.map_names import CELL_STYLES, REGIMES, CellStyle, Hatch, segments, symbol
from pages.charts.specification import CONFIG, data_as

SIGHTS = ("everyone", "protan", "deutan", "grey")
TOGETHER = [
    ("kernel", "kernel_0", "infinite", "noise_floor"),
    ("target", "network", "train"),
    ("train_error", "test_error"),
    ("alignment_train", "alignment_test"),
    ("drift", "shape_drift"),
    ("lambda_max", "stability"),
    ("mode_residual", "kernel_0"),
]
"""Names drawn in one chart."""
APART, GLANCE = 15.0, 10.0
"""CIEDE2000: a difference of 1 is just seen side by side, one of 10 at a glance."""


def seen(colour: str, sight: str) -> Color:
    if sight == "grey":
        return Color("lab-d65", [Color(colour).convert("lab-d65")["l"], 0, 0])
    return Color(colour) if sight == "everyone" else Color(colour).filter(sight, method="machado")


def difference(one: str, other: str, sight: str) -> float:
    return seen(one, sight).delta_e(seen(other, sight), method="2000")


def hatching(look: CellStyle, sight: str) -> float:
    """How far the lines of a cell stand off its face."""
    return difference(look.fill, look.ink, sight)


@pytest.mark.parametrize("sight", [*SIGHTS, "tritan"])
@pytest.mark.parametrize(("one", "other"), [*combinations(REGIMES.values(), 2)])
def test_every_two_regimes_differ_for_every_sight(sight, one, other):
    """By their faces, or by lines of different directions that stand off them."""
    ours, theirs = CELL_STYLES[one], CELL_STYLES[other]
    lines = [hatching(look, sight) for look in (ours, theirs) if look.hatch != "none"]
    assert ours.hatch != theirs.hatch or difference(ours.fill, theirs.fill, sight) > APART
    assert all(line > APART for line in lines)


@pytest.mark.parametrize("sight", [*SIGHTS, "tritan"])
def test_the_more_is_learned_the_darker(sight):
    lazy, weak, strong = (seen(look.fill, sight).convert("lab-d65")["l"] for look in [*CELL_STYLES.values()][:3])
    assert lazy > weak + APART
    assert weak > strong + APART


@pytest.mark.parametrize("name", [*REGIMES.values()])
def test_a_cell_stands_off_the_ground_and_its_number_off_the_cell(ground, name):
    """By its face or by its edge."""
    look = CELL_STYLES[name]
    assert max(Color(part).contrast(ground) for part in (look.fill, look.ink)) >= 3
    assert Color(look.text).contrast(look.fill) >= 4.5


def test_hatchings_differ_in_direction():
    slopes = {
        hatch: {round((v1 - v0) / (u1 - u0), 6) for u0, v0, u1, v1 in segments(hatch)} for hatch in get_args(Hatch)
    }
    assert slopes == {"none": set(), "rising": {1}, "falling": {-1}, "crossed": {1, -1}, "level": {0}}
    assert len({symbol(hatch) for hatch in slopes}) == 5
    for hatch in slopes:
        assert all(0 <= end <= 1 for line in segments(hatch) for end in line)


@pytest.mark.parametrize("colour", sorted({*theme.COLOURS.values(), *theme.ORDERED, *theme.SEEDS}))
def test_every_colour_stands_out_on_light_and_dark(ground, colour):
    assert Color(colour).contrast(ground) >= 3


@pytest.mark.parametrize("sight", SIGHTS[:3])
@pytest.mark.parametrize("names", TOGETHER)
def test_colours_of_one_chart_differ_for_every_sight(sight, names):
    for one, other in combinations(sorted({theme.COLOURS[name] for name in names}), 2):
        assert difference(one, other, sight) > GLANCE, (one, other)


def test_an_ordered_series_grows_lighter_and_is_not_the_regimes():
    lightness = [Color(colour).convert("lab-d65")["l"] for colour in shades(7)]
    assert lightness == sorted(lightness)
    for sight in SIGHTS[:3]:
        ends = shades(7)[0], shades(7)[-1]
        assert difference(*ends, sight) > 2 * APART
        for colour, name in ((colour, name) for colour in shades(7) for name in ("lazy", "weak feature learning")):
            assert difference(colour, CELL_STYLES[name].fill, sight) > GLANCE, (colour, name, sight)


@pytest.mark.parametrize("sight", SIGHTS[:3])
def test_seeds_differ_and_keep_their_colour(sight):
    colours = theme.seed_colours(range(len(theme.SEEDS)))
    for one, other in combinations(colours.values(), 2):
        assert difference(one, other, sight) > GLANCE, (one, other)
    assert theme.seed_colours([7, 3])[3] == theme.seed_colours([3])[3]
    assert theme.seed_colours([7, 3])[7] == theme.seed_colours([7])[7]
    assert len(set(theme.seed_colours([0, 6, 12]).values())) == 3


# Text, as the browser draws it.


def texts(chart: alt.TopLevelMixin, ground: str) -> set[str]:
    """Colours of the text of a chart on a page of this ground."""
    with data_as(alt.to_values):
        spec = chart.to_dict()
    spec |= {"config": {**CONFIG, "background": ground}}
    drawn = vl_convert.vegalite_to_svg(spec)
    return set(re.findall(r'<text[^>]*fill="([^"]*)"', drawn))


def test_text_of_charts_is_read_on_both_grounds(synthetic, ground):
    moving = evolution_chart(evolution_tables(synthetic, generate(synthetic.config.data)))
    charts = [
        moving,
        *(curve.chart(curve.table(synthetic).frame) for name, curve in CURVES.items() if name != "accuracy"),
    ]
    for chart in charts:
        found = texts(chart, ground)
        assert found
        assert all(Color(colour).contrast(ground) >= 4.5 for colour in found), found
