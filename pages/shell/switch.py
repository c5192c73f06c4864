"""A switch of something that others set too."""

from collections.abc import Callable
from typing import Any

from pages.shell.form import draw
from pages.shell.texts import text_of


def switch(label: str, key: str, on: bool, act: Callable[[bool], object], **more: Any) -> None:
    """It stands as the thing did when the page was drawn, whoever changed that, and acts when it is set.

    Args:
        on: how the thing stands.
        act: sets it. From a callback.
        more: what the widget takes besides.
    """
    draw("flag", label, key, on, lambda text: act(text == text_of(True)), **more)
