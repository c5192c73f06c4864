"""Hold on the Regime map: a map stays beside the next one, with their difference."""

from dataclasses import replace

import pandas as pd
import regime_cells
from pretend_engine import in_the_address, press, specs, texts

from cache.maps import Whole
from cache.run_folders import Record
from engine.regimes.config import DEFAULT_MAP, SweepConfig
from pages.shell.answer import DIGITS
from pages.views import hold_map, hold_parts
from pages.views.compare_words import relabelled

GRID = {"network.depth": [1, 2, 4], "network.width": [8, 16]}


def test_a_map_stays_beside_the_next_one_with_their_difference(pretend, opened):
    made = []
    for network, scale in (({}, 1.0), ({"activation": "tanh"}, 2.0)):
        base = {**DEFAULT_MAP.base, "network": {**DEFAULT_MAP.base["network"], **network}}
        sweep = SweepConfig.from_dict({"base": base, "grid": GRID, "seeds": [0, 1, 2, 3]})
        whole = Whole("sweep", sweep, sweep.groups)
        pretend.records[whole.key] = Record(whole.key, "sweep", sweep.to_dict(), "")
        pretend.results.update(regime_cells.stored(sweep, noise=0.0, scale=scale))
        made.append(whole.key)
    app = opened("regimes", map_depths="1, 2, 4", map_widths="8, 16")
    assert not app.exception
    press(app, "Hold")
    assert app.query_params["map_held"] in (made[0], [made[0]])
    assert before_the_charts(app, hold_map.HELD_NOW)
    app.selectbox(key="map_activation").set_value("tanh").run()
    assert not app.exception
    said = texts(app)
    assert "Held: **activation** relu → tanh; **sigma\\_w** " in said.replace("sigma_w", "sigma\\_w")
    assert before_the_charts(app, "Held: **activation** relu → tanh")
    assert "Of 6 cells on both maps, the lazy error is larger on the second in 6" in said
    assert "the median factor is 2, between 2 and 2" in said
    assert "another label on the second" in said
    before = len(specs(app))
    press(app, "Release activation relu")
    assert len(specs(app)) == before - 3
    assert "Beside the held map" not in texts(app)


def before_the_charts(app, said: str) -> bool:
    """Whether it is said under the answer, before whatever is drawn, and nowhere else."""
    parts = [*app.main]
    first = next(place for place, one in enumerate(parts) if one.type == "vega_lite_chart")
    places = [place for place, one in enumerate(parts) if one.type in ("markdown", "caption") and said in one.value]
    return len(places) == 1 and places[0] < first


def held_maps(pretend, *activations: str) -> list[str]:
    """Maps that are known; a later one's numbers are larger."""
    made = []
    for place, activation in enumerate(activations):
        base = {**DEFAULT_MAP.base, "network": {**DEFAULT_MAP.base["network"], "activation": activation}}
        sweep = SweepConfig.from_dict({"base": base, "grid": GRID, "seeds": [0, 1, 2, 3]})
        whole = Whole("sweep", sweep, sweep.groups)
        pretend.records[whole.key] = Record(whole.key, "sweep", sweep.to_dict(), "")
        pretend.results.update(regime_cells.stored(sweep, noise=0.0, scale=1.0 + place))
        made.append(whole.key)
    return made


def test_several_maps_are_held_each_with_its_difference_to_the_present_one(pretend, opened):
    *held_ones, _ = held_maps(pretend, "tanh", "erf", "relu")
    app = opened("regimes", map_depths="1, 2, 4", map_widths="8, 16", map_held=",".join(held_ones))
    assert not app.exception
    said = texts(app)
    assert "Held beside this map. They differ in **activation** (tanh / erf / relu)" in said
    assert said.count("Of 6 cells on both maps, the lazy error is larger on the second in 6") == 2
    assert "the median factor is 3, between 3 and 3" in said
    assert "the median factor is 1.5, between 1.5 and 1.5" in said
    assert "activation tanh, and activation relu" in said
    before = len(specs(app))
    press(app, "Release activation tanh")
    assert in_the_address(app, "map_held") == held_ones[1]
    assert len(specs(app)) == before - 2
    press(app, "Hold")
    assert in_the_address(app, "map_held").split(",")[0] == held_ones[1]


def test_a_held_map_that_is_gone_says_so(pretend, opened):
    app = opened("regimes", map_held="e" * 64)
    assert not app.exception
    assert hold_parts.GONE in texts(app)
    press(app, "Release a held map")
    assert hold_parts.GONE not in texts(app)


def test_labels_that_changed_are_counted_by_their_ways():
    one = pd.DataFrame({"x": [1, 2, 3, 4], "y": 1, "regime": ["lazy", "lazy", "weak", "strong"]})
    other = pd.DataFrame({"x": [1, 2, 3, 5], "y": 1, "regime": ["weak", "weak", "strong", "lazy"]})
    assert relabelled(one, other) == (
        "Of 3 cells on both maps, 3 have another label on the second: lazy to weak in 2 and weak to strong in 1."
    )
    assert relabelled(one, one) == "Of 4 cells on both maps none has another label on the second."
    assert relabelled(one, other.assign(y=2)) == ""


def test_the_short_link_of_a_map_carries_its_held_maps(pretend, opened):
    other, own = held_maps(pretend, "tanh", "relu")
    link = "/regimes?map_depths=1%2C+2%2C+4&map_widths=8%2C+16"
    pretend.records[own] = replace(pretend.records[own], link=link)
    app = opened("regimes", run=own[:DIGITS], map_held=other[:DIGITS])
    assert not app.exception
    assert "Held: **activation** tanh → relu" in texts(app)
    app.session_state["link answer"] = True
    app.run()
    short = next(element.value for element in app.get("code") if "?run=" in element.value)
    assert short == f"/regimes?run={own[:DIGITS]}&map_held={other[:DIGITS]}"
