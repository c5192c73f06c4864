"""The visitor of `benchmarks.load` meets the real server: it must see what is there, and notice what is wrong."""

import asyncio
import random
from dataclasses import replace

import pytest

from benchmarks.people import CURVES, Book, check, play_with_curves
from benchmarks.visitor import Visitor, Wrong


@pytest.mark.long
@pytest.mark.whole
def test_a_visitor_moves_controls_and_notices_what_is_wrong(server):
    async def visit() -> Book:
        book = Book()
        async with Visitor(server, "10.1.2.3") as visitor:
            await play_with_curves(visitor, book, random.Random(0))
            assert visitor.has("widths")
            for page, said in (
                (replace(CURVES, charts=5), "4 charts of 5"),
                (replace(CURVES, title="First"), "heading"),
            ):
                with pytest.raises(Wrong, match=said):
                    check(visitor, page)
            await visitor.put("widths", "8, 0")
            with pytest.raises(Wrong, match="'0' given"):
                check(visitor, CURVES)
            with pytest.raises(Wrong, match="no page 'nowhere'"):
                await visitor.open("nowhere")
        return book

    book = asyncio.run(visit())
    kinds = {kind: count for kind, count, *_ in book.rows()}
    assert kinds["page: second_moment"] == 1
    assert kinds["control: second_moment"] >= 2


def test_the_table_has_percentiles():
    book = Book()
    for seconds in range(1, 101):
        book.note("cached: evolution" if seconds % 2 else "page: home", float(seconds))
    assert [row[:2] for row in book.rows()] == [("cached: all", 50), ("cached: evolution", 50), ("page: home", 50)]
    _, _, median, most, longest = book.rows()[-1]
    assert (median, longest) == (51, 100)
    assert 95 < most < 96
