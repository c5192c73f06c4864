"""What the server keeps outlives Streamlit's caches, which any session could empty."""

import streamlit as st
from pretend_engine import PretendEngine, texts
from test_regimes import SMALL, finish, keys

import cache
from pages.shell.viewers import watchers


def clear_caches() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def test_a_sweep_goes_on_when_the_caches_are_emptied(pretend, opened):
    app = opened("regimes", **SMALL)
    app.button(key="run_sweep").click().run()
    finish(pretend, 2)
    app.run()
    clear_caches()
    app.run()
    assert "cancel_sweep" in keys(app)
    assert "2 of 6 cells" in texts(app)
    for _ in range(6):
        finish(pretend, 6)
        clear_caches()
        app.run()
    assert not app.exception
    assert not keys(app) & {"run_sweep", "cancel_sweep"}
    assert len(pretend.jobs) == 6


def test_watchers_stay_when_the_caches_are_emptied(pretend):
    watchers().notice("key", "one")
    clear_caches()
    assert watchers().notice("key", "other") == 1


def test_another_engine_begins_anew(pretend):
    watchers().notice("key", "one")
    cache.install(PretendEngine())  # pyright: ignore[reportArgumentType]
    assert watchers().notice("key", "other") == 0
