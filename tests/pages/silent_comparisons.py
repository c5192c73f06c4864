"""Several results side by side of which nothing is to be said, by rule."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
from small_runs import result, seed

from pages.charts import compare
from pages.run import differing
from pages.views import compare_words, hold_words

LABELLED = pd.DataFrame({"x": [1.0], "y": [1.0], "regime": ["lazy"]})
CELLS = pd.DataFrame({"x": [1.0, 2.0], "y": [1.0, 1.0], "elt": [0.1, 0.2]})


def stopped(*stops: float) -> list[Any]:
    """Runs of one seed that stopped at these t."""
    return [result(replace(seed(), t_stop=t)) for t in stops]


def notes(table: Any) -> str:
    return " ".join(table.notes)


SILENT: dict[str, Callable[[], Any]] = {
    "pages.run.differing.in_one_line": lambda: differing.in_one_line([{"width": 8}]),
    "pages.run.differing.from_to": lambda: differing.from_to({}, {}),
    "pages.views.hold_words.meeting": lambda: hold_words.meeting("other", *stopped(1.0, 2.0)),
    "pages.views.hold_words.lacking": lambda: hold_words.lacking("other", *stopped(1.0, 2.0)),
    "pages.views.compare_words.relabelled": lambda: compare_words.relabelled(LABELLED, LABELLED.assign(regime=None)),
    "pages.views.compare_words.ends": lambda: "".join(
        compare_words.ends(runs) for runs in (stopped(2.0), stopped(2.0, 2.1), stopped(2.0, 0.0))
    ),
    "pages.views.compare_words.undrawn": lambda: " ".join(
        compare_words.undrawn({"drift": {"a", "b"}}, {"a": {"drift"}, "b": {"drift", "loss"}})
    ),
    "pages.views.compare_words.apart": lambda: compare_words.apart(pd.DataFrame({"ratio": []}), "lazy error"),
    "pages.charts.compare.difference_table": lambda: notes(compare.difference_table(CELLS, CELLS, "elt")),
    "pages.charts.compare.scatter_table": lambda: notes(compare.scatter_table(CELLS)),
}
