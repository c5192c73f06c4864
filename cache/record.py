"""What is known of a run besides its result."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import FiniteFloat, TypeAdapter

from engine.schema import Config

Status = Literal["unfinished", "finished", "failed", "cancelled"]


@dataclass(frozen=True)
class Record:
    """One run that was asked for.

    Attributes:
        values: the config as plain values; `engine.jobs.parse(kind, values)` gives it back.
        label: the settings that differ from the defaults, short.
        created, seconds: when it was asked for (Unix time), and how long it computed.
        entries: names of what it produced, once finished.
        error: one sentence, when failed.
        version: of the numbers of its kind, as in `engine.versions`; 0 where that was not noted yet.
        owner: who asked for it first; empty where nobody signs in.
    """

    key: str
    kind: str
    values: Mapping[str, Any]
    label: str
    status: Status = "unfinished"
    created: FiniteFloat = 0.0
    seconds: FiniteFloat = 0.0
    entries: tuple[str, ...] = ()
    error: str = ""
    version: int = 0
    owner: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Record | None":
        """The record, or None for text that is not one (of another program, or cut short)."""
        try:
            return _RECORD.validate_json(text, strict=True)
        except ValueError:
            return None

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Record | None":
        """The same from plain values. Those of no field are left out."""
        return cls.from_json(json.dumps(values))


_RECORD = TypeAdapter(Record)


def label(config: Config, limit: int = 80) -> str:
    """The settings that differ from the defaults, as `width=64, depth=3`."""
    changed = config.model_dump(mode="json", exclude_defaults=True)
    text = ", ".join(f"{name}={value}" for name, value in _leaves(changed)) or "defaults"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _leaves(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    leaves = []
    for name, value in values.items():
        leaves.extend(_leaves(value) if isinstance(value, dict) else [(name, value)])
    return leaves
