"""Configs: frozen, typed, hashable, validated whole. The config is the identity of a result."""

import hashlib
import json
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from engine.problems import MOST_PROBLEMS, ConfigError, Problem, clipped, did_you_mean, short_repr
from engine.texts import LONGEST_NUMBER, coerced, tag_field, written

__all__ = ["Config", "ConfigError", "Problem", "did_you_mean"]


class _OwnErrors(type(BaseModel)):
    """Makes a constructor that is called raise `ConfigError`; pydantic builds nested configs past it."""

    def __call__(cls, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            raise ConfigError(_all_problems(cast(type[BaseModel], cls), error.errors(include_url=False))) from None


class Config(BaseModel, metaclass=_OwnErrors):
    """Base of every config. Subclasses are hashable and compare by value.

    Every way to build one raises a `ConfigError` that lists every problem. The constructor takes values as they are;
    `from_dict` also reads texts as a person types them (`engine.texts`, whose `read` takes YAML).
    Validators may raise `ConfigError` for settings of their config.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")

    if TYPE_CHECKING:  # which does not know that pydantic gives one to what is frozen

        def __hash__(self) -> int: ...

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The validated config. Raises `ConfigError` with all problems at once."""
        if not isinstance(values, dict):
            raise ConfigError([Problem("", f"expected a mapping of settings, got {short_repr(values)}")])
        try:
            return cls.model_validate(coerced(cls, values))
        except ValidationError as error:
            raise ConfigError(_all_problems(cls, error.errors(include_url=False))) from None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, defaults filled in; `from_dict` gives the same config back."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        return written(self.to_dict())

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
    "model_type": "a table of settings",
    "model_attributes_type": "a table of settings with a name, such as {{name: circle}}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
"""What a kind of pydantic's error asks for."""
NOT_TAKEN = "this setting does not take it"
"""Of what is wrong in a way that no setting of ours can be: pydantic's own words would not help."""


def _all_problems(model: type[BaseModel], errors: list[ErrorDetails]) -> list[Problem]:
    """One problem for every setting; those beyond what an error tells only to be counted.

    A value that fits no member of a union is reported once for each member: the first stands. Of a list the first item
    that is wrong stands for all.
    """
    found: dict[str, Problem] = {}
    wrong: dict[str, set[str]] = {}
    for details in errors:
        if len(found) >= MOST_PROBLEMS:
            beyond = ".".join(map(str, details["loc"]))
            found.setdefault(_whole(beyond), Problem(beyond, NOT_TAKEN))
        elif not _follows(details, errors):
            for problem in _problems(model, details):
                found.setdefault(_whole(problem.field), problem)
                wrong.setdefault(_whole(problem.field), set()).add(problem.field)
    return [Problem(one.field, f"{one.message}{_more(wrong.get(name, ()))}") for name, one in found.items()]


def _whole(field: str) -> str:
    """The list that an item stands in; any other setting itself."""
    return re.sub(r"\.[0-9]+$", "", field)


def _more(wrong: Collection[str]) -> str:
    """How many more items of a list are wrong."""
    count = len([field for field in wrong if field != _whole(field)]) - 1
    return f" ({count} more of the list {'is' if count == 1 else 'are'} wrong too)" if count > 0 else ""


def _follows(details: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether a list is too short only for what is wrong with its items."""
    place = details["loc"]
    within = (other["loc"] for other in errors if other is not details)
    return details["type"] == "too_short" and any(inner[: len(place)] == place for inner in within)


def _problems(model: type[BaseModel], details: ErrorDetails) -> list[Problem]:
    """One pydantic error in our words; several where a validator raised `ConfigError` for settings of its config."""
    raised = details.get("ctx", {}).get("error")
    if not isinstance(raised, ConfigError):
        return [_problem(model, details)]
    path, _ = _settings(model, details["loc"])
    return [Problem(".".join(filter(None, [*path, p.field])), p.message) for p in raised.problems]


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
        field = f"{field}.{_tag(owner, path)}" if kind == "union_tag_invalid" else field
        return Problem(
            field, f"{short_repr(given)} is unknown.{did_you_mean(given, names)} Allowed: {', '.join(names)}"
        )
    if kind == "union_tag_not_found":
        return Problem(f"{field}.name", "is missing: say which")
    if kind == "missing":
        return Problem(field, "is missing")
    if kind == "value_error":
        return Problem(field, str(context["error"]))
    if isinstance(given, str) and len(given) > LONGEST_NUMBER and kind.startswith(("int_", "float_", "finite_")):
        return Problem(field, f"{len(given):,} characters given; a number has at most {LONGEST_NUMBER}")
    if kind in EXPECTED:
        return Problem(field, f"{short_repr(given)} given; {EXPECTED[kind].format(**context)} is needed")
    return Problem(field, f"{short_repr(given)} given; {NOT_TAKEN}")


def _settings(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[list[str], type[BaseModel]]:
    """The settings along pydantic's path, without the names of union members that it passes through, and the
    config that holds the last of them."""
    path: list[str] = []
    owner, within = model, [model]
    for part in location:
        holder = next((m for m in within if part in m.model_fields), None)
        tagged = next((m for m in within if len(within) > 1 and m.model_fields[tag_field(m)].default == part), None)
        if tagged:
            within = [tagged]
        elif holder:
            owner, within = holder, _models(holder.model_fields[str(part)].annotation)
            path.append(clipped(str(part)))
        elif isinstance(part, int) or (part == location[-1] and within):
            owner = within[0] if within else owner
            path.append(clipped(str(part)))
    return path, owner


def _tag(owner: type[BaseModel], path: list[str]) -> str:
    """The field that tells the members of the union at a setting apart."""
    members = _models(owner.model_fields[path[-1]].annotation) if path and path[-1] in owner.model_fields else []
    return tag_field(members[0]) if members else "name"


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models(argument)]
