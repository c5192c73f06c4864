"""Charts as the messages that Streamlit sends, made once for each: private names, as read in Streamlit 1.67.

`st.vega_lite_chart` reads and writes the JSON of a chart four times at every redraw, most of what showing a known chart
takes. When these names change, or what they do, `tests/pages/test_chart_messages.py` fails: it compares the messages.
"""

import json
from typing import Literal
from weakref import WeakKeyDictionary

from streamlit.delta_generator_singletons import get_dg_singleton_instance
from streamlit.elements.lib.layout_utils import LayoutConfig
from streamlit.elements.vega_charts import _marshall_chart_data, _prepare_vega_lite_spec, _stabilize_vega_json_spec
from streamlit.proto.VegaLiteChart_pb2 import VegaLiteChart

from pages.charts.specification import Specification

Width = Literal["stretch", "content"]

_made: WeakKeyDictionary[Specification, dict[tuple[Width, str], VegaLiteChart]] = WeakKeyDictionary()


def draw(specification: Specification, width: Width, description: str = "") -> None:
    """As `st.vega_lite_chart`, for a chart without a selection; `description` is for screen readers."""
    messages = _made.setdefault(specification, {})
    message = messages.get((width, description))
    if message is None:
        message = messages[width, description] = _message(specification, width, description)
    layout = LayoutConfig(width=width, height="content")
    get_dg_singleton_instance().main_dg._enqueue("vega_lite_chart", message, layout_config=layout)


def _message(specification: Specification, width: Width, description: str) -> VegaLiteChart:
    message = VegaLiteChart(theme="streamlit")
    if description:
        message.alt = description
    spec = _prepare_vega_lite_spec(specification(), width == "stretch")
    _marshall_chart_data(message, spec)
    message.spec = _stabilize_vega_json_spec(json.dumps(spec))
    return message
