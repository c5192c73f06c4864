"""Pages for every eye and screen: axe-core finds nothing of ours, in both themes; text reads; charts fit and speak."""

from typing import Any

import perturbation_runs
import pytest
import rkhs_runs
from axe_playwright_python.base import AXE_SCRIPT
from browsing import PATIENCE, rest
from coloraide import Color
from playwright.sync_api import Page, expect

from pages.charts.map_names import CELL_STYLES

pytestmark = pytest.mark.browser

STREAMLITS = {
    "list": ('[data-testid="stSidebarNav"]', "the sections of Streamlit's menu are divs within its list"),
    "region": (
        "[data-floating-ui-portal], [data-st-overlay-root]",
        "what opens is hung beneath the body, outside of every landmark",
    ),
    "presentation-role-conflict": ('[data-testid="stFileUploader"]', "its place to drop files has a name, and no role"),
    "listitem": ('[data-testid="stSidebarNav"]', "and its links are items within these divs"),
}
"""Rule -> where Streamlit itself breaks it, and how. What we draw there is words and icons."""

# Of their own: other files have the same server compute what they ask for, and look for its button.
MAP = {"map_depths": "1, 2", "map_widths": "8, 16", "map_size": "5"}
EXPANSION = perturbation_runs.query("flow") | {"seeds": "17"}
SPACES, ASK_SPACES = rkhs_runs.query("circle") | {"seeds": "17"}, ".st-key-ask-spaces button"
PAGES: dict[str, tuple[dict[str, str], str, str]] = {
    "": ({}, "", ".st-key-moving_home canvas"),  # it trains its run by itself
    "all_runs": ({}, "", ""),
    "server": ({}, "", ""),
    "evolution": (SPACES, ".st-key-run button", ".st-key-moving_evolution_0 canvas"),
    "perturbation": (
        EXPANSION,
        ".st-key-ask-expansion button",
        ".st-key-moving_change_0 canvas",
    ),
    "regimes": (MAP, ".st-key-run_sweep button", ".st-key-chart_regime_map .cells_marks path:nth-child(4)"),
    "norms": (SPACES, ASK_SPACES, ".st-key-drawn_inclusion svg.marks"),
    "function_space": (SPACES, ASK_SPACES, ".st-key-moving_space_0 canvas"),
    "inductive_bias": (SPACES, ASK_SPACES, ".st-key-moving_bias_held_out_0 canvas"),
    "generalisation": (SPACES, ASK_SPACES, ".st-key-drawn_leave_one_out svg.marks"),
    "second_moment": ({}, "", "svg.marks"),
    "distribution": ({"at_draws": "3000"}, ".st-key-ask-distribution button", "svg.marks"),
    "first_step": ({}, "", "svg.marks"),
    "initial_kernel": ({"width": "20", "depth": "2", "p": "5", "draws": "6"}, ".st-key-ask-gram button", "svg.marks"),
}
"""Path -> query, the button that computes what the page shows where nothing did before, and what shows that it is."""

FOUND = """async () => {
  const found = await axe.run(document, { resultTypes: ['violations'] });
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ target, html, any }) => ({
    id, html, why: any.map(({ message }) => message).join('; '), target: target.flat().join(' ') })));
}"""
DRAWN = """() => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].every(
  (chart) => !chart.checkVisibility() || (chart.querySelector('.marks') && chart.role === 'graphics-document'))"""
WITHIN = "([target, place]) => document.querySelector(target)?.closest(place) !== null"


@pytest.fixture
def settled(visit):
    """Opens a page, computes what it shows where it must, and waits until it is drawn."""

    def settled(path: str, theme: str = "light", width: int = 1440, person: str = "somebody") -> Page:
        query, button, shown = PAGES[path]
        page = visit(f"/{path}", person, theme=theme, **query)
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if shown:
            drawn = page.locator(shown).first
            if button:
                expect(page.locator(button).first.or_(drawn).first).to_be_visible()
                if page.locator(button).count():
                    page.locator(button).first.click()
            expect(drawn).to_be_visible(timeout=3 * PATIENCE)
        page.wait_for_timeout(1000)  # a page that has only just come seems to rest
        rest(page)
        page.wait_for_function(DRAWN)
        return page

    return settled


def violations(page: Page) -> list[str]:
    """What axe-core finds on a page at rest, without what is Streamlit's own."""
    rest(page)
    page.evaluate(AXE_SCRIPT)
    return [f"{one['id']}: {one['why']} {one['html'][:200]}" for one in page.evaluate(FOUND) if not _excused(page, one)]


def _excused(page: Page, found: dict[str, Any]) -> bool:
    place, _ = STREAMLITS.get(found["id"], ("", ""))
    return bool(place) and page.evaluate(WITHIN, [found["target"], place])


def labels(page: Page) -> list[str]:
    return page.eval_on_selector_all("[aria-label]", "all => all.map(one => one.ariaLabel)")


def charts(page: Page) -> list[str]:
    """What screen readers say of each chart."""
    drawn = '[data-testid="stVegaLiteChart"][role="graphics-document"]'
    return page.eval_on_selector_all(drawn, "all => all.map(one => one.ariaLabel)")


LONG_DARK = pytest.param("dark", marks=pytest.mark.long)
QUICK = {"light": ("", "all_runs", "evolution", "second_moment"), "dark": ("evolution",)}
"""By theme, pages that are looked at with the other browser tests: four of them. `make long` looks at all."""
LOOKS_AT = [
    pytest.param(path, theme, marks=[pytest.mark.long] * (path not in pages))
    for theme, pages in QUICK.items()
    for path in PAGES
]


@pytest.mark.parametrize(("path", "theme"), LOOKS_AT)
def test_a_page_reads_for_everyone(settled, path, theme):
    page = settled(path, theme)
    assert not violations(page)
    assert not [label for label in labels(page) if "$" in label or "\\" in label]
    drawn = page.locator('[data-testid="stVegaLiteChart"]').count()
    said = charts(page)
    assert len(said) == drawn
    assert not [words for words in said if len(words) < 20 or words == "Vega visualization"]
    ground = page.eval_on_selector(".stApp", "app => getComputedStyle(app).backgroundColor")
    assert (Color(ground).luminance() > 0.5) == (theme == "light")
    in_cells = {
        part for look in CELL_STYLES.values() for part in (look.text, look.fill)
    }  # on their faces: test_colours
    inks = set(page.eval_on_selector_all("svg.marks text", "all => all.map(one => getComputedStyle(one).fill)"))
    inks -= {Color(colour).convert("srgb").to_string(comma=True) for colour in in_cells}
    assert all(Color(ink).contrast(ground) >= 4.5 for ink in inks), inks


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_held_and_a_report_read_too(visit, theme):
    page = visit("/distribution", theme=theme, at_width="12", at_depth="3")
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.get_by_text("These draws are held")).to_be_visible()
    page.locator("[class*='st-key-at_norm-slide']").get_by_role("slider").press("ArrowRight")
    expect(page.locator("svg.marks .role-legend-label text").filter(has_text="held: norm 1")).to_have_count(2)
    assert not violations(page)
    page.get_by_role("button", name="Report").click()
    expect(page.get_by_role("dialog").get_by_role("checkbox")).to_have_count(2)
    assert not violations(page)


@pytest.mark.parametrize("theme", ["light", LONG_DARK])
def test_runs_that_are_chosen_read_too(settled, theme):
    page = settled("initial_kernel", theme)  # one of three that are there at least
    page.goto(page.url.replace("initial_kernel", "all_runs").partition("?")[0])
    table = page.locator("[data-testid=stDataFrame] canvas").first
    expect(table).to_be_visible()
    page.wait_for_timeout(1000)
    place = table.bounding_box()
    assert place is not None
    page.mouse.click(place["x"] + 18, place["y"] + 35 + 17)
    expect(page.get_by_role("button", name="Delete").first).to_be_visible()
    assert not violations(page)
    for name in ("Rename", "Tag", "Note", "Delete"):
        page.get_by_role("button", name=name, exact=True).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert not violations(page), name
        page.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["light", LONG_DARK])
def test_what_opens_reads_too(settled, theme):
    page = settled("evolution", theme)
    for tool, what in (
        ("About this figure", page.get_by_text("Source:")),
        ("Figure for a paper", page.get_by_text("PDF")),
    ):
        page.get_by_role("button", name=tool).first.click()
        expect(page.get_by_role("dialog").locator(what).first).to_be_visible()
        assert not violations(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    for part in page.get_by_test_id("stExpander").all():
        part.locator("summary").click()
    rest(page)
    page.wait_for_function(DRAWN)
    assert not violations(page)
    assert not [label for label in labels(page) if "$" in label or "\\" in label]


MEASURED = """() => [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')].map((chart) => {
  const drawn = chart.querySelector('svg.marks, canvas.marks').getBoundingClientRect();
  const place = chart.closest('[data-testid="stColumn"], [data-testid="stMainBlockContainer"]');
  const style = getComputedStyle(place);
  const room = place.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return { left: drawn.left, right: drawn.right, share: drawn.width / room };
})"""


WIDTHS = [
    pytest.param(path, width, marks=[pytest.mark.long] * (path != "evolution" or width not in (390, 1920)))
    for path in ("evolution", "perturbation", "function_space", "inductive_bias")
    for width in (390, 900, 1440, 1920)
]


@pytest.mark.parametrize(("path", "width"), WIDTHS)
def test_charts_take_the_width_of_their_place(settled, path, width):
    """Whether they move, are made of others, or neither."""
    page = settled(path, width=width)
    found = page.evaluate(MEASURED)
    assert len(found) >= 6
    for chart in found:
        assert 0 <= chart["left"] < chart["right"] <= width, chart
        assert 0.97 < chart["share"] < 1.03, chart
    said, whole = (page.locator(f".st-key-answer{part}").bounding_box() or {} for part in (" > :first-child", ""))
    assert said["width"] > (0.95 if width == 390 else 0.5) * whole["width"], "no room for the answer"


def test_a_click_changes_the_theme(settled):
    page = settled("second_moment", "light")
    ground = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_test_id("stMainMenu").locator("button").first.click()
    page.get_by_role("menuitemradio", name="Dark").click()
    page.wait_for_function(f"light => ({ground})() !== light", arg=light)
    assert Color(page.evaluate(ground)).luminance() < 0.1
    page.get_by_role("menuitemradio", name="System").click()
