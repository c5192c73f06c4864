"""Configs: frozen, typed, hashable, validated whole. The config is the identity of a result."""

import difflib
import hashlib
import json
import reprlib
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
    (the constructor raises pydantic's own error). Validators may raise `ConfigError` for settings of their config.
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
            problems = [problem for details in error.errors(include_url=False) for problem in _problems(cls, details)]
            # A value that fits no member of a union is reported once for each member: keep the first.
            raise ConfigError(list({problem.field: problem for problem in reversed(problems)}.values())[::-1]) from None

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


EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table of settings",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
"""What a kind of pydantic's error asks for."""


def did_you_mean(given: object, allowed: list[str]) -> str:
    """' Did you mean ...?' when a name in `allowed` is close to `given`, else an empty string."""
    close = difflib.get_close_matches(str(given).lower(), allowed, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _shown(value: object) -> str:
    text = reprlib.repr(value)  # bounded, also for YAML whose aliases nest
    return text if len(text) <= 60 else text[:57] + "..."


def _problems(model: type[BaseModel], details: ErrorDetails) -> list[Problem]:
    """One pydantic error in our words; several where a validator raised `ConfigError` for settings of its config."""
    raised = details.get("ctx", {}).get("error")
    if not isinstance(raised, ConfigError):
        return [_problem(model, details)]
    path, _ = _settings(model, details["loc"])
    return [Problem(".".join([*path, problem.field]), problem.message) for problem in raised.problems]


def _problem(model: type[BaseModel], details: ErrorDetails) -> Problem:
    """One pydantic error in our words: what was given, what is allowed, what to do."""
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    path, owner = _settings(model, details["loc"])
    field = ".".join(path)
    if kind == "extra_forbidden":
        allowed = list(owner.model_fields)
        return Problem(field, f"no such setting.{did_you_mean(path[-1], allowed)} Allowed: {', '.join(allowed)}")
    if kind in ("literal_error", "union_tag_invalid"):
        expected = str(context.get("expected") or context.get("expected_tags"))
        given = context.get("tag", given)
        names = [name.strip(" '") for name in expected.replace(" or ", ", ").split(",")]
        field = f"{field}.name" if kind == "union_tag_invalid" else field
        return Problem(field, f"{_shown(given)} is unknown.{did_you_mean(given, names)} Allowed: {', '.join(names)}")
    if kind == "union_tag_not_found":
        return Problem(f"{field}.name", "is missing: say which")
    if kind == "missing":
        return Problem(field, "is missing")
    if kind == "value_error":
        return Problem(field, str(context["error"]))
    if kind in EXPECTED:
        return Problem(field, f"{_shown(given)} given; {EXPECTED[kind].format(**context)} is needed")
    return Problem(field, f"{_shown(given)} given; {details['msg'][0].lower()}{details['msg'][1:]}")


def _settings(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[list[str], type[BaseModel]]:
    """The settings along pydantic's path, without the names of union members that it passes through, and the
    config that holds the last of them."""
    path: list[str] = []
    owner, within = model, [model]
    for part in location:
        holder = next((m for m in within if part in m.model_fields), None)
        tagged = next((m for m in within if len(within) > 1 and m.model_fields["name"].default == part), None)
        if tagged:
            within = [tagged]
        elif holder:
            owner, within = holder, _models(holder.model_fields[str(part)].annotation)
            path.append(str(part))
        elif isinstance(part, int) or (part == location[-1] and within):
            owner = within[0] if within else owner
            path.append(str(part))
    return path, owner


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models(argument)]
