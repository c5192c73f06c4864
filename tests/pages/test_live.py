"""Sliders beside fields: exact curves and draws follow them, and link, field and slider hold one value."""

import re

import numpy as np
import pytest
from pretend_engine import specs, texts

from engine.initialisation.law import InitialNetwork, exact_law
from engine.initialisation.sampler import draw

CRITICAL = np.sqrt(2)


def slider(app, key):
    return next(one for one in app.slider if one.key == f"{key} slide")


def link(app):
    return {name: text if isinstance(text, str) else text[-1] for name, text in app.query_params.items()}


@pytest.mark.parametrize(
    ("page", "name", "value"),
    [
        ("second_moment", "sigma_w", 1.2),
        ("second_moment", "beta_max", 1.0),
        ("first_step", "norm", 4.0),
        ("distribution", "at_sigma_w", 1.2),
        ("distribution", "at_norm", 4.0),
    ],
)
def test_a_slider_writes_into_field_and_link(page, name, value, pretend, opened):
    app = opened(page)
    before = specs(app)
    slider(app, name).set_value(value).run()
    assert not app.exception
    assert app.text_input(key=name).value == f"{value:g}"
    assert link(app) == {name: f"{value:g}"}
    assert specs(app) != before, "the curves follow"
    again = opened(page, **link(app))
    assert slider(again, name).value == value
    assert not pretend.asked


@pytest.mark.parametrize(("name", "text"), [("sigma_w", "5"), ("norm", "100"), ("beta_max", "10")])
def test_what_is_typed_beyond_the_ends_stays(name, text, pretend, opened):
    app = opened("second_moment", **{name: text})
    assert not app.exception
    assert not app.warning or all("in the link" not in one.value for one in app.warning)
    assert slider(app, name).value == float(text)
    assert app.text_input(key=name).value == text
    app.text_input(key="seed").set_value("3").run()
    assert link(app) == {name: text, "seed": "3"}


def test_the_critical_value_lies_between_two_steps_and_is_found(pretend, opened):
    app = opened("second_moment", sigma_w="1")
    assert "Vanishing" in texts(app)
    slider(app, "sigma_w").set_value(1.41).run()
    assert link(app) == {}
    assert "Vanishing" not in texts(app)
    assert slider(app, "sigma_w").value == pytest.approx(CRITICAL)


def test_one_watches_the_network_die(pretend, opened):
    """The share of draws above the mean, by an independent draw: half of them lie on either side of a dead kernel."""
    shares = []
    for sigma in ("", "1"):
        app = opened("distribution", at_sigma_w=sigma) if sigma else opened("distribution")
        (said,) = [one.value for one in app.markdown if "lie above their exact mean" in one.value]
        share, low, high = (float(number) for number in re.findall(r"[\d.]+(?= to|%[ )])", said)[:3])
        setting = InitialNetwork.from_dict(
            {"widths": [10, *[64] * 32, 1], "sigma_w": float(sigma)} if sigma else {"widths": [10, *[64] * 32, 1]}
        )
        K = draw(exact_law(setting), 40_000, np.random.default_rng(7), first_step=False).K
        assert abs(share - 100 * np.mean(K.mean() < K)) < 1.5 * (high - low)
        shares.append(share)
        assert "10,000 draws" in said
    assert shares[0] < shares[1]


def test_networks_too_deep_to_draw_at_once_wait_for_the_button(pretend, opened):
    app = opened("distribution", at_depth="5000", at_width="5000")
    assert not app.exception
    assert not app.get("vega_lite_chart")


def test_where_there_is_no_exact_law_nothing_slides(pretend, opened):
    for page in ("second_moment", "first_step"):
        assert not [one for one in opened(page, activation="tanh").slider if one.key.endswith("slide")]
