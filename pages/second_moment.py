"""Second moment: how much the kernel varies over initialisations, against beta."""

from typing import Any

from pages.shell.form import Form
from pages.views.initial_network import OTHER_RANGE, curve_controls, page, point_controls
from pages.views.second_moment import body


def controls(form: Form) -> tuple[Any, ...]:
    """Curves, points, and how many draws are too many."""
    curves, points = curve_controls(form), point_controls(form)
    budget = form.number(
        "budget", "draws you can afford", 1e6, 10, 1e15, "Where 5% error takes more, Monte Carlo breaks down."
    )
    return curves, points, budget


page("Second moment", Form("second_moment"), controls, body, ("split", *OTHER_RANGE))
