"""Every control of a page set to another value, its address opened by somebody else: the same page."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from browsing import PATIENCE, rest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

RUN = {
    "size": "12", "test_size": "24", "frequencies": "1", "amplitudes": "1", "depth": "1", "width": "20", "alpha": "0.4",
    "activation": "erf", "sigma_b": "0.9", "train_bias": "false", "loss": "half_sum", "max_steps": "40",
    "stop_residual": "0.2", "checkpoints": "6", "seeds": "5, 6", "data_seed": "1",
    "probes": "{name: circle, size: 8}",
}  # fmt: skip
"""A run of these tests alone."""
MAP = {
    "map_depths": "1, 3", "map_widths": "8, 12", "map_seeds": "8", "map_size": "5", "map_alpha": "0.7",
    "map_activation": "erf", "map_biases": "true", "map_data": "circle", "map_colour": "metric",
    "map_metric": "drift", "map_opens": "Perturbation", "map_lazy": "0.2", "map_strong": "0.6", "map_spread": "2",
    "map_failed": "0.6", "map_q": "0.5",
}  # fmt: skip
CURVES = {
    "widths": "9, 17", "range": "depth", "depth_max": "12", "n_0": "11", "norm": "1.2", "readout": "relu",
    "sigma_w": "1.3", "sigma_w_readout": "1.1", "sigma_b": "0.8", "train_bias": "false", "output_bias": "false",
    "points": "3", "draws": "2000", "seed": "4", "brute_draws": "50",
}  # fmt: skip
PAGES: dict[str, tuple[dict[str, str], str]] = {
    "/evolution": (RUN, "run"),
    "/perturbation": (RUN, "ask-expansion"),
    "/norms": (RUN, "ask-spaces"),
    "/generalisation": (RUN, "ask-spaces"),
    "/inductive_bias": (RUN, "ask-spaces"),
    "/function_space": (RUN, "ask-spaces"),
    "/regimes": (MAP, "run_sweep"),
    "/second_moment": (CURVES | {"budget": "1e5", "split": "9"}, ""),
    "/first_step": (CURVES | {"y": "2", "eta": "0.01", "flow_depth": "3", "flow_until": "2"}, ""),
    "/distribution": (
        {
            "at_width": "10", "at_depth": "4", "at_n_0": "11", "at_norm": "1.2", "at_readout": "relu",
            "at_sigma_w": "1.3", "at_sigma_w_readout": "1.1", "at_source": "brute force", "at_draws": "500",
            "at_seed": "4", "at_train_bias": "false",
        },
        "",
    ),
    "/initial_kernel": (
        {
            "width": "30", "depth": "2", "n_0": "2", "inputs": "circle", "p": "6", "draws": "12", "seed": "4",
            "input_seed": "3",
        },
        "ask-gram",
    ),
    "/all_runs": ({"v_search": "width=20", "v_plot": "true"}, ""),
}  # fmt: skip
"""By path what is asked for, nothing of it as it is without a word, and the button that computes it."""

STATE = """() => {
  const all = (where, what) => [...where.querySelectorAll(what)];
  const of = (kind) => all(document, `[data-testid=${kind}]`);
  const label = (one) => one.querySelector("[data-testid=stWidgetLabel]")?.innerText ?? "";
  return {
    groups: of("stButtonGroup").map((one) => [label(one), ...all(one, "[aria-checked=true], [aria-pressed=true]")
      .map((option) => option.innerText)]),
    texts: [...of("stTextInput"), ...of("stNumberInput")].map((one) => [label(one), one.querySelector("input").value]),
    lists: of("stSelectbox").map((one) => [label(one), one.querySelector("input")?.value, one.innerText]),
    switches: of("stCheckbox").map((one) => [one.innerText, one.querySelector("input").checked]),
    sliders: of("stSlider").map((one) => [label(one), one.innerText]),
    tabs: all(document, "[role=tab]").map((one) => [one.innerText, one.getAttribute("aria-selected")]),
    numbers: of("stMetric").map((one) => one.innerText),
    answer: all(document, ".st-key-answer strong").map((one) => one.innerText),
  };
}"""


def settled(page: Page) -> None:
    expect(page.locator("h1").first).to_be_visible()
    page.wait_for_timeout(150)
    rest(page)


def state(page: Page) -> dict[str, Any]:
    """Everything that stands in a control, the checkpoints, and the headline numbers."""
    settled(page)
    return {**page.evaluate(STATE), "checkpoints": page.locator(".player .count").all_inner_texts()}


def computed(page: Page, button: str) -> None:
    """With its result, where a button asks for one."""
    settled(page)
    if not button:
        return
    ask, found = page.locator(f".st-key-{button} button"), page.locator(".st-key-answer, [data-testid=stMetric]")
    expect(ask.or_(found).first).to_be_attached()
    if ask.count():
        ask.first.click()
    expect(found.first).to_be_attached(timeout=3 * PATIENCE)
    settled(page)


def change_every_choice(page: Page) -> int:
    """Takes the last of a few that is not chosen in each choice in sight; gives how many were changed."""
    groups, changed = page.locator("[data-testid=stMain] [data-testid=stButtonGroup]:visible"), 0
    for place in range(groups.count()):
        if place >= groups.count():
            break
        others = groups.nth(place).locator("[role=radio][aria-checked=false]")
        if others.count():
            others.last.click()
            settled(page)
            changed += 1
    return changed


def move_every_player(page: Page) -> None:
    for place in range(page.locator(".player").count()):
        player = page.locator(".player").nth(place)
        step = player.locator("button.forward:enabled, button.back:enabled").first
        before = page.url
        step.click()
        page.wait_for_url(lambda url, before=before: url != before)
        settled(page)


def opened_elsewhere(page: Page, visit: Callable[..., Page]) -> tuple[Page, dict[str, Any]]:
    """The page that somebody else has under this address, once it is the same, and what stands on both."""
    there = visit(page.url.removeprefix(page.evaluate("location.origin")), "somebody else")
    end = time.monotonic() + PATIENCE / 1000
    while state(there) != state(page) and time.monotonic() < end:
        there.wait_for_timeout(300)
    here = state(page)
    assert state(there) == here
    return there, here


QUICK = ("/second_moment", "/initial_kernel", "/all_runs")
"""In `make test-all`; the others in `make long`."""


@pytest.mark.parametrize("path", [pytest.param(path, marks=[pytest.mark.long] * (path not in QUICK)) for path in PAGES])
def test_the_address_of_a_page_is_all_of_it(path, visit):
    query, button = PAGES[path]
    page = visit(path, **query)
    computed(page, button)
    for name, text in query.items():
        assert f"{name}=" in page.url, (name, text)
    changed = change_every_choice(page)
    move_every_player(page)
    assert ("v_" in page.url) >= bool(changed and path[1:] in ("evolution", "perturbation", "norms", "function_space"))
    there, here = opened_elsewhere(page, visit)
    assert there.url == page.url
    assert there.evaluate("history.length") == 2
    assert here["numbers"] or here["answer"] or path in ("/all_runs", "/distribution")


def test_the_settings_of_a_study_travel(visit):
    page = visit("/perturbation", **RUN)
    settled(page)
    page.get_by_role("tab", name="Study").click()
    page.wait_for_url("**v_tab=study*")
    for label, text in (("widths n", "8, 12"), ("output scales α", "0.5, 2"), ("error to cross", "0.2")):
        field = page.get_by_test_id("stMain").get_by_role("textbox", name=label)
        field.fill(text)
        field.press("Enter")
        settled(page)
    there, _ = opened_elsewhere(page, visit)
    expect(there.get_by_role("textbox", name="error to cross")).to_have_value("0.2")
