"""What the charts of several kinds of network beside each other draw."""

import numpy as np
import pandas as pd
import pytest
from test_regime_charts import layers

from engine.regimes.boundaries import Boundary
from pages.charts import map_kinds
from pages.charts.map_names import BOUNDARIES, KIND_COLOURS, KIND_NAMES, METRICS
from pages.charts.words import in_one


def cells(scale: float, high: float = 1.1) -> pd.DataFrame:
    """Two depths at two widths; drift = scale L/n, CV^2 = scale/n with an interval up to `high` times that."""
    rows = [(depth, width) for depth in (2.0, 4.0) for width in (8.0, 16.0)]
    frame = pd.DataFrame(rows, columns=["depth", "width"]).assign(cell=range(4), regime="lazy")
    frame["beta"] = frame["depth"] / frame["width"]
    frame["drift"], frame["cv2"] = scale * frame["beta"], scale / frame["width"]
    return frame.assign(cv2_low=0.9 * frame["cv2"], cv2_high=high * frame["cv2"])


def test_every_kind_has_its_cells_its_colour_and_its_own_boundary() -> None:
    table = map_kinds.kinds_table({"mlp": cells(1.0), "resnet": cells(0.5), "conv": pd.DataFrame()}, "drift")
    assert table.frame.groupby("series", sort=False)["value"].max().to_dict() == {
        "fully connected": 0.5,
        "residual": 0.25,
    }
    edges = {"mlp": Boundary(0.2, 0.1, None), "resnet": Boundary(None, reason="not enough data")}
    chart = map_kinds.kinds_chart(table.frame, METRICS["drift"], "", {}, edges, BOUNDARIES["lazy_weak"])
    (points,) = layers(chart, "point")
    assert sorted(row["value"] for row in points["rows"]) == pytest.approx(sorted(table.frame["value"]))
    assert points["encoding"]["color"]["scale"]["range"] == [KIND_COLOURS["mlp"], KIND_COLOURS["resnet"]]
    (rule,) = [layer for layer in layers(chart, "rule") if "x" in layer["encoding"] and "y" not in layer["encoding"]]
    assert rule["mark"]["color"] == KIND_COLOURS["mlp"]
    assert [row["text"] for layer in layers(chart, "text") for row in layer["rows"]] == ["fully connected: lazy | weak"]
    assert "β of fully connected networks" in points["encoding"]["x"]["axis"]["title"]


def test_the_growth_of_the_spread_is_drawn_with_its_bars_and_what_is_open() -> None:
    exact = cells(3.0).assign(cv2_low=lambda own: own["cv2"], cv2_high=lambda own: own["cv2"])
    lost = cells(2.0, np.inf).assign(cv2=[np.nan, 1.0, 0.5, 0.25])
    table = map_kinds.growth_table({"mlp": exact, "resnet": cells(4.0), "conv": lost})
    assert table.notes == ("Not drawn: 1 cell, whose CV² is not known.",)
    own = table.frame[table.frame["series"] == KIND_NAMES["resnet"]]
    assert own["value"].tolist() == pytest.approx([4.0] * 4)
    assert own["high"].tolist() == pytest.approx([4.4] * 4)
    assert table.frame.groupby("series")["exact"].all().to_dict() == {
        "fully connected": True,
        "residual": False,
        "convolutional": False,
    }
    chart = map_kinds.growth_chart(table.frame)
    (bars,) = layers(chart, "rule")
    assert {row["series"] for row in bars["rows"]} == {"residual", "convolutional"}
    (up,) = [layer for layer in layers(chart, "point") if "shape" in layer["mark"]]
    (end,) = {row["high"] for row in bars["rows"] if row["open"]} | {row["high"] for row in up["rows"]}
    assert max(row["high"] for row in bars["rows"] if not row["open"]) <= end
    assert end < max(bars["encoding"]["y"]["scale"]["domain"])  # its arrow has room below the edge of the plot
    assert [row["series"] for row in up["rows"]] == ["convolutional"] * 3
    assert map_kinds.growth_table({"conv": pd.DataFrame()}).frame.empty


def test_the_growth_of_the_spread_says_which_line_is_of_which_width() -> None:
    table = map_kinds.growth_table({"mlp": cells(3.0), "resnet": cells(4.0)})
    chart = map_kinds.growth_chart(table.frame)
    (line,) = layers(chart, "line")
    dash = line["encoding"]["strokeDash"]
    assert {(row["width"], row[dash["field"]]) for row in line["rows"]} == {(8.0, "n = 8"), (16.0, "n = 16")}
    assert dash["scale"]["domain"] == ["n = 8", "n = 16"]
    assert len(set(map(tuple, dash["scale"]["range"]))) == 2
    orients = line["encoding"]["color"]["legend"]["orient"], dash["legend"]["orient"]
    assert orients == ("top", "bottom")  # beside each other they are cut off on paper and on a telephone
    axis = line["encoding"]["x"]["axis"]
    assert axis["values"] == [2.0, 4.0]  # the depths themselves
    alone = map_kinds.growth_chart(table.frame[table.frame["width"] == 8])
    (line,) = layers(alone, "line")
    assert "strokeDash" not in line["encoding"]
    assert "width n = 8" in in_one(alone.to_dict()["title"]["subtitle"])
