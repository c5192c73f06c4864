"""What browser tests share besides the fixtures."""

from playwright.sync_api import Page, expect

SMALL = {"size": "12", "test_size": "16", "frequencies": "1, 2", "amplitudes": "", "depth": "1", "width": "16"}
PATIENCE = 60_000
"""Milliseconds: a busy machine must not fail a test."""

expect.set_options(timeout=PATIENCE)


def slider(page: Page, key: str = "moving_evolution_0"):
    """That of the first of the charts which a player moves: all have one."""
    return page.locator(f".st-key-{key} .vega-bind input[type=range]").first


def run_button(page: Page):
    return page.locator(".st-key-run button")
