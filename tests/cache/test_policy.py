"""Roles and limits from the operator's file."""

from pathlib import Path

import pytest

from cache.failure import CacheFault
from cache.policy import ADMIN, Limits, PolicyFile, policy

TEXT = """
[people]
"Ann@lab.example" = "admin"
"guest@other.example" = "reader"

[domains]
"lab.example" = "member"

[roles.member]
running = 2
cache_bytes = 2e9
weight = 0.5
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def write(text: str) -> None:
        (tmp_path / "lab.toml").write_text(text)
        monkeypatch.setenv("KERNEL_DRIFT_POLICY", str(tmp_path / "lab.toml"))

    return write


def test_people_come_before_their_domain(written):
    written(TEXT)
    found = policy()
    people = ("ann@lab.example", "ANN@LAB.EXAMPLE", "bob@lab.example", "guest@other.example", "x@other.example", "bob")
    assert [found.role(person) for person in people] == ["admin", "admin", "member", "reader", None, None]
    # A name that only ends like a domain of the list is of another.
    assert found.role("eve@evil-lab.example") is None
    assert found.role("eve@sub.lab.example") is None
    assert found.limits("bob@lab.example") == Limits(running=2, cache_bytes=2e9, weight=0.5)
    assert found.limits("ann@lab.example") == ADMIN
    assert found.limits("guest@other.example").running == found.limits("nobody").running == 0


def test_small_letters_are_those_of_addresses_and_of_ascii(written):
    written('[people]\n"Q7x@https://id.lab.example" = "admin"\n"mark@lab.example" = "admin"\n"ÉMILE@x.fr" = "reader"')
    found = policy()
    assert found.role("Q7x@https://id.lab.example") == "admin"
    assert found.role("q7x@https://id.lab.example") is None  # another person of that provider
    assert found.role("Mark@LAB.example") == "admin"
    assert found.role("mar\u212a@lab.example") is None  # the sign of the kelvin, which is k in small letters
    assert found.role("ÉMILE@X.FR") == "reader"


def test_without_a_file_everyone_may_do_everything(monkeypatch):
    monkeypatch.delenv("KERNEL_DRIFT_POLICY", raising=False)
    assert policy().role("the cookie of a browser") == "admin"
    assert policy().limits("the cookie of a browser") == ADMIN


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('people = {"a@b.c" = "king"}', "people: 'king' is unknown. Allowed: reader, member, admin"),
        ("[roles.member]\nrunning = -1", r"roles\.member\.running: .*at least 0"),
        ("[roles.owner]\nrunning = 1", r"roles\.owner"),
        ('[people]\n"Ann@b.c" = "admin"\n"ann@b.c" = "reader"', r"people: .*'ann@b\.c' stands there twice"),
        (
            '[domains]\n"Lab.example" = "member"\n"lab.example" = "reader"',
            "domains: .*'lab.example' stands there twice",
        ),
        ('[domains]\n"@lab.example" = "member"', "domains: .*'@lab.example' is no domain: .* such as lab.example"),
        ('[domains]\n"*.lab.example" = "member"', r"'\*\.lab\.example' is no domain"),
        ('[domains]\n"" = "member"', "'' is no domain"),
        ('[people]\n"ann" = "member"', "'ann' names nobody: write ann@lab.example"),
        ('[people]\n"@lab.example" = "member"', "'@lab.example' names nobody"),
        ("roles = ", "cannot be read"),
    ],
)
def test_a_mistake_is_said_with_its_place(text, words, written):
    written(text)
    with pytest.raises(CacheFault, match=words) as error:
        policy()
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(monkeypatch):
    monkeypatch.setenv("KERNEL_DRIFT_POLICY", "/nowhere/lab.toml")
    with pytest.raises(CacheFault, match=r"KERNEL_DRIFT_POLICY is '/nowhere/lab\.toml', which cannot be read"):
        policy()


def test_a_file_that_changes_is_read_again(written, tmp_path, caplog):
    written(TEXT)
    known, file = policy(), PolicyFile()
    assert file.again(known) is known
    written(TEXT.replace('"Ann@lab.example" = "admin"', ""))
    now = file.again(known)
    assert now.role("ann@lab.example") == "member"
    # One that has become a mistake, or has gone, changes nothing.
    written("people = ")
    assert file.again(now) is now
    assert "what it said before holds" in caplog.text
    (tmp_path / "lab.toml").unlink()
    assert file.again(now) is now
    written(TEXT)
    assert file.again(now).role("ann@lab.example") == "admin"
