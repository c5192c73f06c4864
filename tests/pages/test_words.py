import math
import re
from types import SimpleNamespace

import pytest
from small_runs import result, seed

from engine.config import RunConfig
from engine.cost import Cost
from engine.schema import Problem
from pages.charts.words import (
    Headline,
    are,
    change,
    duration,
    label,
    listing,
    middle,
    number,
    percent,
    plain,
    sentence,
    signed,
    size,
    spread,
    with_formulas,
)
from pages.run.asking import costs
from pages.run.differing import MOST_NAMED, from_to, in_one_line
from pages.shell.jobs import SHOWN_FAILURES, Request, Standing, failures
from pages.shell.texts import MOST_REMARKS, left_out
from pages.views import evolution_words
from pages.views.network_words import MOST_FILES, sources


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.617, "0.617"), (12345.6, "12,346"), (1.23e-5, "1.23·10⁻⁵"), (2e17, "2.00·10¹⁷"), (-3.0, "−3"),
        (-8154.6, "−8,155"), (-1.23e-5, "−1.23·10⁻⁵"), (math.nan, "—"), (None, "—"), (math.inf, "—"), (100.0, "100"),
    ],
)  # fmt: skip
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.27, "27%"),
        (0.004, "0.4%"),
        (1.5, "150%"),
        (0, "0%"),
        (9.9, "990%"),
        (23.4, "23×"),
        (2.1e-7, "2.1·10⁻⁵%"),
        (-2.1e-7, "−2.1·10⁻⁵%"),
        (-0.27, "−27%"),
        (-0.004, "−0.4%"),
        (-23.4, "−23×"),
        (2.28777e15, "2.3·10¹⁵×"),
        (math.nan, "—"),
    ],
)
def test_percent(value, text):
    assert percent(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (12, "12 s"), (180, "3 min"), (7200, "2 h"), (172800, "48 h")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(1500, "1.5 kB"), (430e6, "430 MB"), (1.2e9, "1.2 GB"), (8e10, "80 GB")])
def test_size(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (1.04, 1.05, "1.04 → 1.05"), (0.2, 0.9, "0.2 → 0.9"), (0.5, 0.5, "0.5 → 0.5"), (math.nan, 1, "— → 1"),
        (1.0, 1.1, "1 → 1.1"), (0.6171, 0.6174, "0.6171 → 0.6174"),
    ],
)  # fmt: skip
def test_a_change_has_the_digits_that_show_it(start, end, text):
    assert change(start, end) == text


@pytest.mark.parametrize(
    ("start", "end", "value", "beside"),
    [
        (1.04, 1.05, "1.04 → 1.05", ""),
        (12.0, 12.0, "12", "at both ends"),
        (0.34, 0.34 * (1 + 1e-15), "0.34", "at both ends"),
        (math.nan, math.nan, "—", ""),
        (math.nan, 1, "— → 1", ""),
    ],
)
def test_what_is_alike_at_both_ends_is_said_once(start, end, value, beside):
    told = Headline.at_both_ends("alignment", start, end)
    assert (told.value, told.beside) == (value, beside)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Fully connected: lazy, or not? K_0 and H_T (n = 8)", "Fully connected: lazy, or not? K_0 and H_T (n = 8)"),
        ("*a* $b$ [c](https://d.e)", r"\*a\* \$b\$ \[c\](https\://d.e)"),
        (":red[x] :material/home: _y_ www.z.org", r"\:red\[x\] \:material/home: \_y\_ www\.z.org"),
    ],
)
def test_a_label_is_read_aloud_as_it_is_written(text, shown):
    assert label(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("R^64, images drawn", r"$\mathbb{R}^{64}$, images drawn"),
        ("mean |x|^2 = n_0 over the points", "mean $|x|^{2} = n_0$ over the points"),
        ("sphere S^9, |x| = 1.5, uniform", "sphere $S^{9}$, $|x| = 1.5$, uniform"),
        ("cube {-1, 1}^8, uniform", r"cube $\{-1, 1\}^{8}$, uniform"),
        ("circle S¹, density (1 + 0.3 cos θ)/2π", r"circle $S^1$, density $(1 + 0.3 \cos\theta)/2\pi$"),
        ("R^3, rows of R^2.csv by me_2", r"$\mathbb{R}^{3}$, rows of R^2\.csv by me\_2"),
        ("costs $5", r"costs \$5"),
    ],
)
def test_where_the_inputs_lie_is_a_formula(text, shown):
    assert with_formulas(text) == shown


def test_no_dataset_says_where_its_inputs_lie_in_signs():
    names = ("circle", "sphere", "gaussian_product", "parity", "two_moons", "digits", "breast_cancer", "wine")
    said = [with_formulas(RunConfig.from_dict({"data": {"name": name}}).data.whence) for name in names]
    assert not [one for one in said if re.search(r"[\^|²¹θ]", re.sub(r"\$[^$]*\$", "", one))]


@pytest.mark.parametrize(
    ("value", "places", "text"), [(-0.884, 2, "−0.88"), (0.884, 2, "0.88"), (-0.004, 2, "0.00"), (-1234.5, 0, "−1,234")]
)
def test_signed(value, places, text):
    assert signed(value, places) == text


def test_spread_and_middle():
    assert spread([1.0, 3.0, 2.0]) == "2 (1 to 3)"
    assert spread([1.0]) == "1"
    assert spread([None, math.nan]) == "—"
    assert middle([None, 2.0]) == 2.0
    assert math.isnan(middle([]))


def test_listing():
    assert [listing(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_what_a_person_typed_is_no_markdown():
    assert plain("a_b $x$ :red[x]") == r"a\_b \$x\$ \:red\[x\]"
    assert sentence(Problem("network.width", "0 given")) == r"network\.width\: 0 given"


def test_one_is_and_two_are():
    assert [are(count) for count in (0, 1, 2)] == ["are", "is", "are"]


@pytest.mark.parametrize(
    ("float64", "said"),
    [
        (60.0, "An estimated 30 s (60 s if float32 does not resolve the run) on this machine"),
        (33.0, "An estimated 30 s on this machine"),
        (math.nan, "An estimated 30 s on this machine"),
    ],
)
def test_what_a_run_costs_in_float64_where_that_tells(float64, said):
    assert costs(Cost(1e12, 1e6, 30.0, 1e3, 1e3, 1, 0.0, float64_seconds=float64)).startswith(said)


@pytest.mark.parametrize(("count", "more"), [(1, "1 more {}"), (2, "2 more {}s")])
def test_one_more_is_told_as_one(count, more):
    ones, others = ({f"s{at}": value for at in range(MOST_NAMED + count)} for value in (1, 2))
    assert from_to(ones, others).endswith(f"; {more.format('setting')}")
    assert in_one_line([ones, others]).endswith(f" and {more.format('setting')}.")
    link = left_out([f"n{at}" for at in range(MOST_REMARKS + count)], ["width"])[-1].message
    assert link.startswith(f"{more.format('name')} in the link {are(count)} no setting")
    files = {f"{at}.py": "0" * 64 for at in range(MOST_FILES + count)}
    assert sources(SimpleNamespace(sources=files, versions={})).endswith(f" and {more.format('file')}")  # pyright: ignore[reportArgumentType]
    places = range(SHOWN_FAILURES + count)
    asked = Request("ask", "cancel", "cell", [()] * len(places), "cell", lambda place: f"depth {place}")
    said = failures(asked, Standing(asked.groups, {}, dict.fromkeys(places, "died")))
    assert said[-2:] == [f"depth {SHOWN_FAILURES - 1}: died", f"{more.format('cell')} failed."]


def test_a_median_of_counts_is_not_rounded():
    """Of no eigenvalue in one seed and of one in the other the median is a half."""
    both = result(seed(), seed(1, kernel_rounding=0.15))
    assert evolution_words.floor(both)[0].startswith("At the start 0.5 (0 to 1) of 4 eigenvalues")
