"""Figures for a paper: the files are opened and measured."""

import io
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest
from PIL import Image
from pypdf import PdfReader

from engine.quantities import QUANTITIES
from pages.charts import theme
from pages.charts.animated import animated, current, line
from pages.charts.encodings import by_series, layered, side_by_side, sized, stacked
from pages.charts.ghosts import Ghost, over
from pages.charts.initial_law import spectrum_chart
from pages.charts.printing import WIDTHS, Choice, panel_names, printed
from pages.charts.printing.paper import TEXT, for_paper, wrapped
from pages.charts.printing.sheet import SIZE, pieces, typeset

STAMP = {"config": "c0ffee" * 8}
SVG = "{http://www.w3.org/2000/svg}"
TITLE = "How far has the kernel K_t moved from K_0?"


def curve(names: tuple[str, ...] = ("measured",), dashed: tuple[str, ...] = (), **properties: Any) -> alt.LayerChart:
    """A line each, from 1 to 10."""
    colours = dict(zip(names, theme.ORDERED, strict=False))
    layers = []
    for name in names:
        rows = pd.DataFrame({"x": [1.0, 10.0], "y": [1.0, 1e-3], "series": name})
        mark = alt.Chart(rows).mark_line(strokeDash=[6, 4] if name in dashed else [1, 0])
        layers.append(mark.encode(x="x:Q", y=alt.Y("y:Q", title="‖K_t − K_0‖"), color=by_series(colours)))
    return layered(*layers, **{"height": theme.HEIGHT} | properties)


def moving(frames: int = 4) -> alt.LayerChart:
    """A line that rises from frame to frame, and says which it is."""
    columns = {f"f{at}": [0.0, float(at)] for at in range(frames)}
    drawn = line(current(pd.DataFrame({"x": [0.0, 1.0], **columns})), "kernel")
    panel = layered(drawn.encode(x="x:Q", y=alt.Y("value:Q", scale=alt.Scale(domain=[0, frames]))))
    panel.title = theme.title(alt.ExprRef(f"{json.dumps([f't = {at}' for at in range(frames)])}[frame]"))
    return animated(panel, frames, start=1)


def four() -> Any:
    """A strip over two panels side by side."""
    return stacked(
        [
            curve(title="first?", width=500, height=64),
            side_by_side(sized([curve(title="second?"), curve(title="third?")], 200, 100), 4),
        ],
        4,
    )


def asked(draw: Callable[[], Any] = curve) -> Callable[[], Any]:
    return lambda: theme.ask(TITLE, draw())


def as_svg(draw: Callable[[], Any], **how: Any) -> ElementTree.Element:
    return ElementTree.fromstring(printed(draw, "svg", Choice(**how), stamp=STAMP))


def texts(svg: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("draw", [curve, moving, four])
def test_every_file_has_the_width_that_is_asked_for(draw, width):
    inches = {"column": 3.25, "page": 6.75}[width]
    page = PdfReader(io.BytesIO(printed(draw, "pdf", Choice(width), stamp=STAMP))).pages[0]
    assert float(page.mediabox.width) == 72 * inches
    svg = as_svg(draw, width=width)
    assert svg.get("width") == f"{72 * inches:g}pt"
    assert svg.get("viewBox", "").split()[2] == f"{72 * inches:g}", "a unit to the point"
    picture = Image.open(io.BytesIO(printed(draw, "png", Choice(width), stamp=STAMP)))
    assert abs(picture.width - 300 * inches) <= 1
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("draw", [asked(), moving, four])
def test_all_text_has_eight_points_and_indices_are_smaller(draw, width):
    svg = as_svg(draw, width=width)
    sizes = {text.get("font-size") for text in svg.iter(f"{SVG}text")}
    assert sizes == {"8px"}
    assert {span.get("font-size") for span in svg.iter(f"{SVG}tspan")} <= {None, f"{8 * SIZE:.2f}px"}


def test_fonts_are_embedded():
    page: Any = PdfReader(io.BytesIO(printed(asked(), "pdf", stamp=STAMP))).pages[0]
    fonts: list[Any] = []

    def walk(resources: Any) -> None:
        fonts.extend(font.get_object() for font in resources.get("/Font", {}).values())
        for form in resources.get("/XObject", {}).values():
            walk(form.get_object().get("/Resources", {}))

    walk(page["/Resources"])
    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(descriptor), "a font that is not in the file"


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_the_same_figure_has_the_same_bytes(kind):
    """Eight times, for what a figure names may stand in any order in a PDF: here layers and opacities."""

    def draw() -> Any:
        lines = [curve().layer[0].copy() for _ in range(4)]
        for place, layer in enumerate(lines):
            layer.mark = {"type": "line", "opacity": 0.2 + 0.1 * place}
        return layered(*lines, height=100)

    assert len({printed(draw, kind, stamp={"config": "ab" * 32}) for _ in range(8)}) == 1


def test_a_file_says_which_config_it_shows():
    told = PdfReader(io.BytesIO(printed(asked(), "pdf", stamp=STAMP))).metadata or {}
    assert told["/Config"] == STAMP["config"]
    assert told["/Title"] == TITLE
    assert STAMP["config"] in told["/Subject"]
    assert STAMP["config"] in "".join(as_svg(asked()).find(f"{SVG}metadata").itertext())  # pyright: ignore
    picture: Any = Image.open(io.BytesIO(printed(asked(), "png", stamp=STAMP)))
    assert picture.text["Config"] == STAMP["config"]


def test_questions_stand_over_it_or_do_not():
    assert TITLE.replace("_", "") in "".join(texts(as_svg(asked(), width="page")))
    assert not any("moved" in text for text in texts(as_svg(asked(), title=False)))


def test_an_animated_chart_is_drawn_at_the_frame_that_is_asked_for():
    def heights(**how: Any) -> str:
        (path,) = [
            path for path in as_svg(moving, title=False, **how).iter(f"{SVG}path") if path.get("stroke") == theme.BLUE
        ]
        return path.get("d", "")

    assert "t = 3" in "".join(texts(as_svg(moving, frame=3)))
    assert "t = 1" in "".join(texts(as_svg(moving))), "the frame it starts with"
    drawn = [float(heights(frame=at).rpartition(",")[2]) for at in range(4)]
    assert drawn == sorted(drawn, reverse=True)
    assert drawn[0] - drawn[1] == pytest.approx(drawn[2] - drawn[3], abs=0.02)
    assert heights(frame=99) == heights(frame=3)


def test_one_panel_of_several():
    assert panel_names(four) == ["first?", "second?", "third?"]
    said = texts(as_svg(four, panel=1))
    assert "second?" in said
    assert not {"first?", "third?"} & set(said)
    with pytest.raises(IndexError):
        printed(four, "svg", Choice(panel=3), stamp=STAMP)


def test_panels_stand_side_by_side_where_there_is_room():
    def height(width: Any) -> float:
        return float(as_svg(four, width=width).get("height", "")[:-2])

    assert height("column") > height("page") * 1.3


def test_ids_of_panels_are_their_own():
    ids = re.findall(r'\bid="([^"]+)"', printed(four, "svg", stamp=STAMP).decode())
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("dashed", [(), ("foretold",), ("measured",)])
def test_the_legend_is_dashed_as_the_lines_are(dashed):
    names = ("measured", "foretold")
    svg = as_svg(lambda: curve(names, dashed))
    lines, symbols = (dashes(svg, role) for role in ("mark-line", "role-legend-symbol"))
    assert lines == symbols
    colours = dict(zip(names, theme.ORDERED, strict=False))
    assert {name for name in names if symbols[colours[name]] != "solid"} == set(dashed)


def test_so_it_is_over_held_results():
    """Whose lines are dashed each in its own way, also where they have the colour of a name."""

    def drawn() -> Any:
        columns = {key: [3.0, 2.0, 1.0] for key in ("mean", "low", "high", "limit")}
        return spectrum_chart(pd.DataFrame({"i": [1, 2, 3], **columns}))

    svg = as_svg(lambda: over(drawn(), [Ghost("width 20", 0, drawn())]))
    groups = [group for group in svg.iter(f"{SVG}g") if "role-legend-symbol" in group.get("class", "")]
    symbols = {
        path.get("stroke"): path.get("stroke-dasharray") for group in groups for path in group.iter(f"{SVG}path")
    }
    assert symbols[theme.ORANGE] == "3.33,2"
    assert symbols[theme.BLUE] in (None, "0.67,0")
    assert "held: width 20" in "".join(texts(svg))


def dashes(svg: ElementTree.Element, role: str) -> dict[str, str]:
    """Colour -> dash of what is drawn in this role; a gap of 0 is none."""
    groups = [group for group in svg.iter(f"{SVG}g") if role in group.get("class", "")]
    paths = [path for group in groups for path in group.iter(f"{SVG}path") if path.get("stroke") in theme.ORDERED]
    given = {path.get("stroke", ""): path.get("stroke-dasharray") or ",0" for path in paths}
    return {colour: "solid" if dash.endswith(",0") else dash for colour, dash in given.items()}


def test_no_words_for_a_screen():
    assert for_paper("outlines: not computed; click a cell to open its run") == "outlines: not computed"
    assert for_paper("median of 3 seeds, thin: each seed") == "median of 3 seeds, thin: each seed"
    subtitle = theme.title(TITLE, "thin: each seed; click a point to open it")
    said = "".join(texts(as_svg(lambda: curve(title=subtitle))))
    assert "thin: each seed" in said
    assert "click" not in said


def test_a_long_title_takes_lines():
    lines = wrapped("a word " * 30, 234)
    assert len(lines) > 1
    assert max(map(len, lines)) * TEXT * 0.5 < 234


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("‖K_t − K_0‖", [("‖K", ""), ("t", "below"), (" − K", ""), ("0", "below"), ("‖", "")]),
        ("λ_max(K_T)", [("λ", ""), ("max", "below"), ("(K", ""), ("T", "below"), (")", "")]),
        ("K_tP_k", [("K", ""), ("t", "below"), ("P", ""), ("k", "below")]),
        ("u_iᵀ r", [("u", ""), ("i", "below"), ("T", "above"), (" r", "")]),
        ("Σ_{j≤i} x", [("Σ", ""), ("j≤i", "below"), (" x", "")]),
        ("10⁻³", [("10", ""), ("−3", "above")]),
        ("r₀", [("r", ""), ("0", "below")]),
        ("n^−0.88 [−0.95]", [("n", ""), ("−0.88", "above"), (" [−0.95]", "")]),
        ("Kˡ_t", [("K", ""), ("l", "above"), ("t", "below")]),
        ("1.7 β^0.83±0.33 (95%)", [("1.7 β", ""), ("0.83±0.33", "above"), (" (95%)", "")]),
        ("K^½", [("K", ""), ("½", "above")]),
        ("e^(−λ_k t) / 2", [("e", ""), ("−λ", "above"), ("k", "within"), (" t", "above"), (" / 2", "")]),
        ("error_m / error_0", [("error", ""), ("m", "below"), (" / error", ""), ("0", "below")]),
        ("petal_width of test_set", [("petal_width of test_set", "")]),
    ],
)
def test_indices_are_told_from_words(text, expected):
    assert pieces(text) == expected


def test_lines_stand_under_one_another_whatever_their_indices():
    """`dy` of a span takes the place of its line's, and moves all that follows."""
    line = '<tspan x="0" dy="9">'
    set_ = typeset(f'<text font-size="8px"><tspan>of K_0</tspan>{line}in H_t</tspan>{line}x</tspan></text>')
    lines = re.findall(r' x="0" dy="([-\d.]+)"', set_)
    moves = [float(move) for move in re.findall(r'<tspan dy="([-\d.]+)"', set_)]
    assert [float(down) + move for down, move in zip(lines, moves, strict=True)] == pytest.approx([9, 9])
    assert len(moves) == 2
    assert "of K<tspan" in set_
    assert '">in H<tspan' in set_


def test_rings_are_as_thin_beside_their_size_as_on_a_page():
    """Vega draws them 2 pixels thick."""
    rows = pd.DataFrame({"x": [1.0], "y": [1.0]})
    ring = alt.Chart(rows).mark_point(size=36, filled=False).encode(x="x:Q", y="y:Q")
    svg = as_svg(lambda: layered(ring, height=120))
    rings = [path for path in svg.iter(f"{SVG}path") if "A" in path.get("d", "")]
    assert [float(path.get("stroke-width", "1")) for path in rings] == [pytest.approx(2 * 2 / 3, abs=0.01)]


def test_no_symbol_of_the_glossary_keeps_a_mark_of_plain_text():
    for name, quantity in QUANTITIES.items():
        left = "".join(part for part, _ in pieces(quantity.symbol))
        assert not set("_^{}") & set(left), (name, left)
