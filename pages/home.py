"""Home: what the instrument answers, with a real result computed on this machine."""

import streamlit as st
from streamlit import config

from engine.training.result import RunResult
from pages.run import asking, picker
from pages.run.presets import DEFAULT_DRAFT
from pages.run.questions import QUESTIONS
from pages.run.settings import config_of
from pages.shell import account
from pages.shell.gathering import CHEAP
from pages.views import evolution, my_jobs, recorded

SHOWN_RUNS = 5

st.title("Kernel Drift")
st.markdown("How far does the kernel of a network of finite width move while it trains, and what does that change?")
place = st.container()
st.markdown(
    r"A network in training follows its **neural tangent kernel** "
    r"$K_t(x, x') = \langle\nabla_\theta f_t(x), \nabla_\theta f_t(x')\rangle$. At infinite width $K_t$ stands still; "
    "in a real network it drifts, the more so the deeper and narrower it is. Train one here, and see how far its "
    "kernel moves, where the spectrum goes, and what that does to what is learned."
)
my_jobs.show()
recorded.under_way()
questions, picture = st.columns(2, gap="large")

with questions:
    st.markdown("**Start from a question**")
    with st.container(gap="xsmall", key="questions"):
        for one in QUESTIONS:
            icon, query = ":material/arrow_forward:", dict(one.query) or None
            st.page_link(f"{one.page}.py", label=one.asks, icon=icon, query_params=query, help=one.with_)
        st.caption(f"What costs under {CHEAP:.0f} s computes by itself; for the rest the page says what it costs.")

with picture:
    st.markdown("**Computed on this machine:** three waves on a circle, learned by three hidden layers of width 256")
    arrays = asking.start_first_run(config_of(DEFAULT_DRAFT))
    if arrays is not None:
        result = RunResult.from_arrays(dict(arrays))
        with place:
            evolution.say_answer(result)
        evolution.small(result)
        st.page_link(
            "evolution.py", label="All of this run", icon=":material/timeline:", query_params={"preset": "default"}
        )

recent = picker.recent()[:SHOWN_RUNS]
if recent:
    st.markdown("**Recent runs on this machine**")
    with st.container(gap=None):
        for run in recent:
            st.page_link(
                "evolution.py", label=picker.summary(run), icon=":material/history:", query_params=picker.query(run)
            )
        st.page_link("all_runs.py", label="All runs, and what is kept", icon=":material/list:")

st.caption(account.who_may_enter(config.get_option("server.address")))
