"""A file of one's own on its way into the draft: kept in the cache, named there by its digest."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import TypeVar

import streamlit as st

import cache
from engine.data import contents
from engine.data.contents import NamedFile
from engine.schema import ConfigError, Problem
from pages.charts.words import sentence
from pages.run import draft_state
from pages.run.settings import BY_NAME, Draft, config_of
from pages.shell.texts import value_of
from pages.shell.uploads import keep, too_large

MOST_BYTES = 20_000_000
"""Of an upload. The command line reads larger files of points."""

AnySource = TypeVar("AnySource", bound=NamedFile)

Given = Sequence[tuple[str, bytes]]
"""Files by name."""


@dataclass(frozen=True)
class _Taken:
    """What came of an upload."""

    source: NamedFile | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Upload:
    """Files of one sort.

    Attributes:
        key: of its widgets and what it says.
        read: what a config says of files. Raises `ValueError` in one line.
        told_by_file: settings that a file tells where they are left out: what was set stays as far as it serves.
    """

    key: str
    read: Callable[[Given], NamedFile]
    told_by_file: tuple[str, ...]

    @property
    def widget(self) -> str:
        """The key of the uploader."""
        return f"{self.key} file {st.session_state.get(f'{self.key} uploads', 0)}"

    @property
    def problems(self) -> list[str]:
        """Of the last upload, as Markdown."""
        return list(map(sentence, st.session_state.get(f"{self.key} problems", ())))

    @property
    def notes(self) -> tuple[str, ...]:
        return st.session_state.get(f"{self.key} notes", ())

    def came(self) -> None:
        """For the uploader. New files take the place of the old one, also where they cannot be read: nothing is
        computed under their name."""
        files = st.session_state[self.widget]
        files = files if isinstance(files, list) else [files] if files else []
        here = st.session_state.get(f"{self.key} here", ())
        new = [file for file in files if file.file_id not in here]
        st.session_state[f"{self.key} here"] = tuple(file.file_id for file in files)
        names, size = " and ".join(file.name for file in new), sum(file.size for file in new)
        if problems := too_large(names, size, MOST_BYTES):
            self.refuse(problems)
        else:
            self.take(*([(file.name, file.getvalue()) for file in some] for some in (new, files) if some))

    def take(self, *given: Given) -> None:
        """Uses the first of these that can be read: the files that just came, else all (labels after their images)."""
        tried: list[_Taken] = []
        for files in given:
            tried.append(self._kept(files))
            if tried[-1].source:
                break
        self._use(next((taken for taken in tried if taken.source), tried[0] if tried else _Taken()))

    def refuse(self, problems: Sequence[Problem]) -> None:
        self._use(_Taken(problems=tuple(problems)))

    def start_over(self) -> None:
        """No file, and an uploader that holds none: the same one can come again."""
        self.take()
        st.session_state[f"{self.key} uploads"] = st.session_state.get(f"{self.key} uploads", 0) + 1

    def _kept(self, given: Given) -> _Taken:
        name = given[0][0]
        try:
            source = self.read(given)
            by_digest = {contents.digest_of(content): content for _, content in given}
            known, *_ = [keep(by_digest[digest], source.file) for digest in source.digests]
        except ValueError as error:
            return _Taken(problems=(Problem("file", f"{name}: {error}"),))
        except cache.CacheFault as fault:
            return _Taken(problems=(Problem("file", f"{name} cannot be kept: {fault}"),))
        same = (f"the same as {known}, which is here already: it is called so",) if known != source.file else ()
        return _Taken(source.model_copy(update={"file": known}), notes=same)

    def _use(self, taken: _Taken) -> None:
        source = taken.source
        text = json.dumps(source.to_dict(), ensure_ascii=False) if source else ""
        draft = {**draft_state.current(), "content": "", "source": text}
        given = {name: draft[name] for name in self.told_by_file if draft.get(name)}
        gone = _not_served(draft, [*given]) if source else () if taken.problems else [*given]
        said = (f"{BY_NAME[name].label}: {given[name]} is left out, the file cannot serve it" for name in gone)
        st.session_state[f"{self.key} problems"] = taken.problems
        st.session_state[f"{self.key} notes"] = (*taken.notes, *(said if source else ()))
        for name in (*gone, "content"):
            draft_state.edit(name, "")
        draft_state.edit("source", text)


def source_in(draft: Draft, kind: type[AnySource]) -> AnySource | None:
    """The file that the draft names; None where it names none, or what is no such file."""
    text = draft.get("source", "")
    try:
        return kind.from_dict(value_of(text, "settings")) if text else None
    except ValueError:  # said as a problem of the config
        return None


def _not_served(draft: Draft, given: Sequence[str]) -> Sequence[str]:
    """As few of the given settings as can be, the last first, without which no more is wrong than without them all."""
    anyway = _wrong(draft, given)
    some = chain.from_iterable(combinations(given[::-1], count) for count in range(len(given)))
    return next((left_out for left_out in some if _wrong(draft, left_out) <= anyway), given)


def _wrong(draft: Draft, left_out: Sequence[str]) -> set[str]:
    """The settings of the data that are wrong in the draft without these."""
    try:
        config_of({name: text for name, text in draft.items() if name not in left_out})
    except ConfigError as error:
        return {problem.field for problem in error.problems if problem.field.startswith("data")}
    return set()
