"""Pages are drawn one after the other, in the order they came; none waits for one that does not end."""

import ast
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest

from pages.shell import one_at_a_time as module
from pages.shell.one_at_a_time import PageQueue

PAGES = Path(module.__file__).parents[1]
MANY = 6


def join(line: PageQueue, threads: ThreadPoolExecutor, draw: Callable[[], object]) -> None:
    """A page that comes to the line, behind whoever came before."""

    def come() -> None:
        with line.one_at_a_time():
            draw()

    last = line._last
    threads.submit(come)
    while line._last is last:
        sleep(0.001)


def test_pages_are_drawn_one_after_the_other_as_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 60.0)
    line, drawn, inside = PageQueue(), [], []

    def draw(number: int) -> None:
        inside.append(number)
        sleep(0.005)
        assert inside.pop() == number
        drawn.append(number)

    with ThreadPoolExecutor(MANY) as threads, line.one_at_a_time():
        for number in range(MANY):
            join(line, threads, lambda number=number: draw(number))
        sleep(0.02)
        assert not inside
        assert not drawn
    assert drawn == [*range(MANY)]


def test_one_that_does_not_end_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 0.05)
    line, never, drawn = PageQueue(), threading.Event(), []
    with ThreadPoolExecutor(3) as threads:
        join(line, threads, lambda: never.wait(20))
        for number in range(2):
            join(line, threads, lambda number=number: drawn.append(number))
        while len(drawn) < 2:
            assert not never.wait(0.01)
        never.set()
    assert drawn == [0, 1]


def test_a_part_of_a_page_has_its_turn_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 60.0)
    line, done = PageQueue(), []
    part = line.one_at_a_time()(lambda: done.append("part"))
    with line.one_at_a_time():
        part()
        part()
    part()
    assert done == ["part"] * 3


def test_a_page_that_fails_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 60.0)
    line, done = PageQueue(), []
    with pytest.raises(KeyError), line.one_at_a_time():
        raise KeyError
    with line.one_at_a_time():
        done.append("next")
    assert done


def test_every_fragment_draws_in_its_turn() -> None:
    found = 0
    for file in PAGES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                said = [ast.unparse(decorator) for decorator in node.decorator_list]
                if any("fragment" in one for one in said):
                    assert said[1:] == ["one_at_a_time()"], f"{file.name}: {node.name}"
                    found += 1
    assert found > 10
