"""Texts from outside as plain values, and back: numbers and lists as a person types them, and as the fields of a config
take them, alike in file, page and link; and YAML."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator

from engine.problems import ConfigError, Problem, clipped

# Numbers, nothing and lists as a person types them, and back: the same in a file, on a page and in a link.

LONGEST_NUMBER = 400
"""Characters. Longer ones are no numbers: Python refuses to write integers of some thousand digits."""
LONGEST_LIST = 2_000
"""Characters of a list of numbers. Longer ones are none either."""
NONE = ("none", "null")

_RANGE = re.compile(r"([0-9]{1,9})\s*[-–]\s*([0-9]{1,9})")
MOST_OF_A_RANGE = 1_000
"""Longer ones are no lists that somebody means."""
_NUMBER = re.compile(r"[-+]?\.?[0-9]")


def number(text: str) -> int | float | str:
    """The number that a text stands for: 8, 1_000, 1e-3, 0x1f, nan, inf; else the text itself."""
    text = text.strip()
    if len(text) > LONGEST_NUMBER or not text.isascii():
        return text
    for read in (int, float, lambda text: int(text, 0)):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def numbers(text: str) -> list[int | float | str]:
    """The numbers between the commas of a text, in brackets or not; 0-3 stands for 0, 1, 2, 3; what is none stays a
    text."""
    if len(text) > LONGEST_LIST:
        return [text]
    inner = text.strip().removeprefix("[").removesuffix("]").removeprefix("(").removesuffix(")")
    return [value for item in inner.split(",") if item.strip() for value in _spread(item.strip())]


def _spread(item: str) -> list[int | float | str]:
    """The whole numbers from one to another, both included; else the one number."""
    if (ends := _RANGE.fullmatch(item)) is None:
        return [number(item)]
    first, last = map(int, ends.groups())
    return [*range(first, last + 1)] if 0 <= last - first < MOST_OF_A_RANGE else [item]


def is_none(text: str) -> bool:
    return text.strip().lower() in NONE


def scalar(text: str) -> bool | int | float | str | None:
    """What a plain scalar of YAML's core schema stands for."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        return float(text.replace(".", "", 1))
    return number(text) if _NUMBER.match(text) else text


def text_of(value: object) -> str:
    """A value as a person would type it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        short = f"{value:g}"
        return short if repr(float(short)) == repr(value) else repr(value)
    if isinstance(value, list | tuple):
        items = [text_of(item) for item in value]
        nested = any(isinstance(item, list | tuple) for item in value)  # [[8]] is not 8
        clear = not nested and all(item and item == item.strip() and not set(item) & set(',"[') for item in items)
        return ", ".join(items) if clear else json.dumps(value, default=str)
    return json.dumps(value, default=str) if isinstance(value, dict) else repr(value)


# Values as the fields of a config take them, so that a file, a page and a link are read alike.
#
# A text given for a number, or for a list of numbers, is read as a person types it, "none" as nothing;
# a single value stands for a list of one; true and false are no numbers. What makes no sense is left for the config to
# refuse.


def coerced(model: type[BaseModel], values: Mapping[Any, Any]) -> dict[Any, Any]:
    """The values of a config, with those of the configs within it."""
    fields = _fields(model)
    return {name: fields[name].read(value) if name in fields else value for name, value in values.items()}


@lru_cache(maxsize=64)
def _fields(model: type[BaseModel]) -> dict[str, "_Field"]:
    """The fields whose values may need reading: those of known types without a reader of their own."""
    own = {name for name, field in model.model_fields.items() if any(map(_reads, field.metadata))}
    found = {name: _Field.of(field.annotation) for name, field in model.model_fields.items() if name not in own}
    return {name: field for name, field in found.items() if field != _Field()}


def _reads(metadata: object) -> bool:
    return isinstance(metadata, BeforeValidator)


@dataclass(frozen=True)
class _Field:
    """What a field can hold, besides None.

    Attributes:
        words: any text.
        items: of a list.
        configs: told apart by their tags where there are several (`tag_of`).
    """

    words: bool = False
    numbers: bool = False
    flags: bool = False
    items: Self | None = None
    configs: tuple[type[BaseModel], ...] = ()

    @classmethod
    def of(cls, annotation: Any) -> Self:
        kinds = list(_members(annotation))
        lists = [get_args(kind)[0] for kind in kinds if get_origin(kind) is tuple]
        return cls(
            words=str in kinds,
            numbers=int in kinds or float in kinds,
            flags=bool in kinds,
            items=cls.of(lists[0]) if lists else None,
            configs=tuple(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)),
        )

    def read(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self._config(value)
        if isinstance(value, list | tuple):
            return [self.items.read_item(item) for item in value] if self.items else value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bool | int | float):
            return self._scalar(value)
        return value

    def read_item(self, value: Any) -> Any:
        """As `read`, in a list, where a number may be a name."""
        return text_of(value) if self.words and isinstance(value, bool | int | float) else self.read(value)

    def _config(self, values: Mapping[Any, Any]) -> Any:
        several = len(self.configs) > 1
        for config in self.configs:
            if not several or tag_of(config, values) == config.model_fields[tag_field(config)].default:
                return coerced(config, values)
        return values

    def _text(self, text: str) -> Any:
        if self.words:
            return text
        if self.items and self.items.words:
            return [text]
        if is_none(text):
            return None
        if self.items and (not self.numbers or "," in text or text.strip()[:1] in ("[", "(")):
            return numbers(text)
        return number(text) if self.numbers else text

    def _scalar(self, value: bool | float) -> Any:
        if self.items and not self.numbers:
            return [self.items.read_item(value)]
        known = self.flags if isinstance(value, bool) else self.numbers
        return text_of(value) if (self.numbers or self.flags) and not known else value


def tag_field(config: type[BaseModel]) -> str:
    """The field by which the members of a union of configs are told apart."""
    return getattr(config, "TAG", "name")


def tag_of(config: type[BaseModel], values: Mapping[Any, Any]) -> Any:
    """What values say of the member of a union that they are of; its default where they say nothing."""
    return values.get(tag_field(config), getattr(config, "UNTAGGED", None))


def _members(annotation: Any) -> Iterator[Any]:
    """The types of a union, without what is annotated; a Literal is of the types of its values."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    elif origin is Literal:
        yield from map(type, get_args(annotation))
    else:
        yield annotation


# YAML from outside (JSON is YAML too) as plain values, within limits that hold before anything walks it; and back.
#
# Scalars are those of YAML 1.2: 1e2 is a number; yes, 12:30 and 2026-01-01 are texts. A key given twice is refused.

MOST_CHARACTERS = 2_000_000
"""A table of the largest size allowed fits in, quoted."""
MOST_EVENTS = 10_000
"""Values, keys, and both ends of every list and mapping."""
DEEPEST = 20
"""Lists and mappings within one another."""

UNREADABLE = "not YAML: a colon, a quote, a bracket, a comma or the indentation is not as it should be"

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml reads the most characters allowed in 40 ms, PyYAML's own parser in 4 s."""


def read(text: str) -> Any:
    """None, booleans, numbers, texts, lists, and mappings from texts. Raises `ConfigError` with one problem."""
    if len(text) > MOST_CHARACTERS:
        raise _refusal(f"{len(text):,} characters given, at most {MOST_CHARACTERS:,} are read")
    try:
        found = list(_values(_limited(yaml.parse(text.removeprefix("\ufeff"), LOADER))))
    except yaml.MarkedYAMLError as error:
        raise _refusal(UNREADABLE, error.problem_mark) from None
    except (yaml.YAMLError, UnicodeEncodeError):
        raise _refusal("not YAML: some characters of it are no text") from None
    if len(found) > 1:
        raise _refusal(f"{len(found)} documents given (--- begins another), one is read")
    return found[0] if found else None


def written(values: Any) -> str:
    """Plain values as YAML, which `read` gives back."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """PyYAML's takes 1e2 for a text, writes three line breaks as they are, and a list that stands twice as an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = isinstance(scalar(text), str) and not set(text) & set("\x85\u2028\u2029")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _text)


def _refusal(message: str, where: Any = None) -> ConfigError:
    """Of a text, with the place of a mark in it."""
    return ConfigError([Problem("", f"{message} (line {where.line + 1})" if where else message)])


def _limited(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    yield from islice(events, MOST_EVENTS)
    if next(events, None):
        raise _refusal(f"more than {MOST_EVENTS:,} values, keys and brackets given, at most {MOST_EVENTS:,} are read")


def _values(events: Iterator[yaml.Event], depth: int = 0) -> Iterator[Any]:
    """Those up to the end of the list or mapping that the events stand in, which is so deep."""
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            return
        if isinstance(event, yaml.NodeEvent):
            yield _value(event, events, depth)


def _value(event: Any, events: Iterator[yaml.Event], depth: int) -> Any:
    """The value that begins with this event."""
    mark = event.start_mark
    if isinstance(event, yaml.AliasEvent):
        raise _refusal(f"aliases are not read: write the value of *{clipped(event.anchor or '')} out", mark)
    if event.tag not in (None, "!"):
        raise _refusal(f"tags are not read: leave {clipped(event.tag)} out", mark)
    if isinstance(event, yaml.ScalarEvent):
        return scalar(event.value) if event.implicit[0] and not event.tag else event.value
    if depth == DEEPEST:
        raise _refusal(f"lists or mappings more than {DEEPEST} deep given, at most {DEEPEST} are read", mark)
    if isinstance(event, yaml.SequenceStartEvent):
        return list(_values(events, depth + 1))
    return _mapping(events, depth + 1)


def _mapping(events: Iterator[yaml.Event], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        if not isinstance(event, yaml.ScalarEvent):
            raise _refusal("a list or mapping is no name of a setting", event.start_mark)
        if event.value in found:
            raise _refusal(f"{clipped(event.value)} is given twice: keep one", event.start_mark)
        found[event.value] = _value(next(events), events, depth)
    return found
