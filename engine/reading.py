"""YAML from outside (JSON is YAML too) as plain values, within limits that hold before anything walks it; and back.

Scalars are those of YAML 1.2: 1e2 is a number; yes, 12:30 and 2026-01-01 are texts. A key given twice is refused.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml

from engine.problems import ConfigError, Problem, clipped
from engine.texts import scalar

MOST_CHARACTERS = 2_000_000
"""A table of the largest size allowed fits in, quoted."""
MOST_EVENTS = 10_000
"""Values, keys, and both ends of every list and mapping."""
DEEPEST = 20
"""Lists and mappings within one another."""

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml reads the most characters allowed in 40 ms, PyYAML's own parser in 4 s."""


def read(text: str) -> Any:
    """None, booleans, numbers, texts, lists, and mappings from texts. Raises `ConfigError` with one problem."""
    if len(text) > MOST_CHARACTERS:
        raise _refusal(f"{len(text):,} characters given, at most {MOST_CHARACTERS:,} are read")
    try:
        found = list(_values(_limited(yaml.parse(text.removeprefix("\ufeff"), LOADER))))
    except yaml.MarkedYAMLError as error:
        raise _refusal(f"not YAML: {error.problem or error.context}", error.problem_mark) from None
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
