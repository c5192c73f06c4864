"""The rows of tools of a page that is opened without a browser."""

import base64
import json
from typing import Any

from streamlit.testing.v1 import AppTest

from pages.shell.tools import ASKED, Click, Tool

NAME = "kernel_drift_tools"


def rows(app: AppTest) -> dict[str, dict[str, Any]]:
    """Name of a figure -> what its row was given."""
    found = {}
    for element in app.get("bidi_component"):
        proto = element.proto  # pyright: ignore[reportAttributeAccessIssue]
        if NAME in proto.component_name:
            data = json.loads(proto.json or proto.mixed.json)
            found[data["container"].partition("_")[2]] = data
    return found


def click(app: AppTest, figure: str, tool: Tool, frame: int | None = None) -> AppTest:
    """A click on a tool, as the component tells of it."""
    app.session_state[ASKED] = Click(figure, tool, frame)
    return app.run()


def saved(app: AppTest, figure: str, tool: Tool, frame: int | None = None) -> tuple[str, bytes]:
    """Name and content of the file that a click gives."""
    file = rows(click(app, figure, tool, frame))[figure]["file"]
    return file["name"], base64.b64decode(file["base64"])
