"""Configs: frozen, typed, hashable, validated whole. The config is the identity of a result."""

import difflib
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a config: where, what was given, what to do."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class ConfigError(ValueError):
    """A config that cannot be run. Carries every problem at once.

    Attributes:
        problems: all of them, in the order of the fields.
    """

    def __init__(self, problems: list[Problem]):
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in problems))


class Config(BaseModel):
    """Base of every config. Subclasses are hashable and compare by value.

    Build one with `from_dict` or `from_yaml` to get a `ConfigError` that lists every problem
    (the constructor raises pydantic's own error).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The validated config. Raises `ConfigError` with all problems at once."""
        if not isinstance(values, dict):
            raise ConfigError([Problem("", f"expected a mapping of settings, got {_shown(values)}")])
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError([_problem(cls, details) for details in error.errors(include_url=False)]) from None

    @classmethod
    def from_yaml(cls, text: str) -> Self:
        """The config written in YAML (or JSON). Raises `ConfigError`, also when the text is not YAML."""
        try:
            values = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise ConfigError([Problem("", f"not YAML: {' '.join(str(error).split())}")]) from None
        return cls.from_dict(values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, defaults filled in; `from_dict` gives the same config back."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)

    def canonical(self) -> str:
        """One line of JSON, the same for every way of writing the same config."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical form, hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def did_you_mean(given: object, allowed: list[str]) -> str:
    """' Did you mean ...?' when a name in `allowed` is close to `given`, else an empty string."""
    close = difflib.get_close_matches(str(given).lower(), allowed, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _problem(model: type[BaseModel], details: ErrorDetails) -> Problem:
    """One pydantic error in our words: what was given, what is allowed, what to do."""
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    field = ".".join(str(part) for part in details["loc"])
    if kind == "extra_forbidden":
        allowed = _fields_at(model, details["loc"][:-1])
        name = str(details["loc"][-1])
        return Problem(field, f"no such setting.{did_you_mean(name, allowed)} Allowed: {', '.join(allowed)}")
    if kind in ("literal_error", "union_tag_invalid"):
        expected = str(context.get("expected") or context.get("expected_tags"))
        given = context.get("tag", given)
        names = [name.strip(" '") for name in expected.replace(" or ", ", ").split(",")]
        return Problem(field, f"{_shown(given)} is unknown.{did_you_mean(given, names)} Allowed: {', '.join(names)}")
    if kind == "union_tag_not_found":
        return Problem(field, "`name` is missing: say which dataset")
    if kind == "value_error":
        return Problem(field, str(context["error"]))
    message = details["msg"][0].lower() + details["msg"][1:]
    return Problem(field, message if kind == "missing" else f"{_shown(given)} given; {message}")


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Names of the settings at `path` below `model` (discriminated unions carry their tag in the path)."""
    for part in path:
        field = model.model_fields.get(str(part))
        candidates = _models(field.annotation) if field else []
        if field is None:
            continue
        tags = [p for p in path if isinstance(p, str)]
        tagged = [m for m in candidates if "name" in m.model_fields and m.model_fields["name"].default in tags]
        chosen = tagged or candidates
        if not chosen:
            return []
        model = chosen[0]
    return list(model.model_fields)


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models(argument)]
