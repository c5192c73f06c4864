"""The four pages on function spaces in a real browser: one job serves all, the run travels, everything is drawn."""

import pytest
from browsing import PATIENCE, open_page, rest, slider
from playwright.sync_api import Page, expect
from rkhs_runs import RUNS, query

pytestmark = pytest.mark.browser

DRAWN = {
    "Norms": ("norm_target", "norm_function", "inclusion", "norm_across"),
    "Generalisation": (
        "kernel_error", "leave_one_out", "departure", "saved", "pairs", "fixed_pairs", "learning_ridgeless",
        "learning_with_ridge",
    ),
    "Inductive bias": (
        "frequency_decay", "frequency_exchange", "operator_spectrum", "alignment", "alignment_raw", "dimension",
        "mode_counts", "space_overlap", "decay",
    ),
    "Function space": ("growth",),
}  # fmt: skip
MOVING = {"Inductive bias": "moving_bias_held_out_0", "Function space": "moving_space_0"}


def stepped(page: Page, panel: str) -> str:
    """The scrubber of an animated chart goes one checkpoint back, to this one."""
    moved = slider(page, panel)
    expect(moved).to_be_attached()
    last = int(moved.input_value())
    assert last > 0
    page.locator(f".st-key-{panel} button.back").click()
    expect(moved).to_have_value(str(last - 1))
    return str(last - 1)


HAND = 100
"""Milliseconds between pressing a button and letting it go."""
ASKED = {"Function space": "outside?", "Inductive bias": "moved?", "Generalisation": "better?"}
"""By title, what the link to a page asks."""


def test_one_computation_serves_four_pages(visit):
    page = visit("/norms", **query("circle"))
    page.locator(".st-key-ask-spaces button").click()
    expect(page.get_by_text("On held-out points the target costs")).to_be_visible(timeout=2 * PATIENCE)
    left_at = {}
    for title, charts in DRAWN.items():
        if title != "Norms":
            rest(page)
            page.locator(".st-key-siblings").get_by_role("link", name=ASKED[title]).click(delay=HAND)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        for name in charts:
            expect(page.locator(f".st-key-drawn_{name} svg.marks").first).to_be_visible()
        if title in MOVING:
            left_at[title] = stepped(page, MOVING[title])
        expect(page.locator(".st-key-ask-spaces")).to_have_count(0)
    # What was stepped to a moment before its page was left, by a hand, is there again.
    open_page(page, "Function spaces", "Inductive bias")
    expect(slider(page, MOVING["Inductive bias"])).to_have_value(left_at["Inductive bias"])
    width = page.get_by_role("textbox", name="width")
    expect(width).to_have_value(str(RUNS["circle"]["network"]["width"]))
