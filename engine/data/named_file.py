"""A file that a config names by its digest."""

from typing import Annotated

from pydantic import StringConstraints

from engine.problems import clipped
from engine.schema import Config

LONGEST_NAME = 100
"""Characters of a file's name."""

Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class NamedFile(Config):
    """A file.

    Attributes:
        file: its name, of several under one digest the first.
        digest: SHA-256 of its bytes.
    """

    file: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)]
    digest: Digest

    @property
    def digests(self) -> tuple[str, ...]:
        """Of all its files."""
        return (self.digest,)

    @property
    def not_here(self) -> str:
        """That nobody here has its bytes, and what to do."""
        return (
            f"{self.file} (sha256 {self.digest[:12]}...) is not in the cache here: upload it again, or name it by "
            "data.path on the command line"
        )


def name_of(file: str) -> str:
    """What a config calls a file: without its folder, in print, not long."""
    name = "".join(letter if letter.isprintable() else "?" for letter in file.replace("\\", "/").split("/")[-1])
    return clipped(name or "file", LONGEST_NAME)
