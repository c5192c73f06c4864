"""Charts made ready for the browser once, not at every redraw: Altair takes a tenth of a second for each."""

import json
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements import vega_charts


class Prepared:
    """A chart that has been converted: `st.altair_chart` takes it as it takes the chart itself.

    The data are kept as Arrow bytes, the rest as JSON text, for Streamlit edits the specification that it is given.
    """

    def __init__(self, chart: Any):
        # Streamlit's own conversion, which has no public name. It is what `st.altair_chart` calls each time.
        specification: Any = vega_charts._convert_altair_to_vega_lite_spec(_Unchecked(chart))  # pyright: ignore[reportArgumentType]
        self._datasets = specification.pop("datasets", {})
        self._text = json.dumps(specification)

    def to_dict(self, *_: Any, **__: Any) -> dict[str, Any]:
        """The specification, a new copy each time."""
        return {**json.loads(self._text), "datasets": dict(self._datasets)}


class _Unchecked:
    """A chart converted without Altair's check against its schema, half of the time. The tests of charts do check."""

    def __init__(self, chart: Any):
        self._chart = chart

    def to_dict(self) -> dict[str, Any]:
        return self._chart.to_dict(validate=False)


# Folded parts of the sidebar.


def unfolded(label: str, needed: bool) -> DeltaGenerator | None:
    """A folded part, when it is open or `needed`: what nobody sees need not be sent to the browser."""
    if needed:
        st.session_state[label] = True
    part = st.expander(label, key=label, on_change="rerun")
    return part if part.open else None
