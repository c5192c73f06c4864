"""The menu. `app.py` starts this; each page is one file and one line here."""

from pathlib import Path

import streamlit as st

DENSE = """<style>
.stMainBlockContainer { padding-top: 3.5rem; padding-bottom: 3rem; }
[data-testid="stMetricValue"] { font-size: 1.5rem; }
[data-testid="stSidebar"] [data-testid="stAlertContainer"] { padding: 0.5rem 0.75rem; }
[data-testid="stSidebar"] [data-testid="stAlertContainer"] p { font-size: 0.875rem; line-height: 1.35; }
[class*="st-key-evolution_"], .st-key-home_panel { overflow-x: auto; }
[class*="st-key-tools_"] { margin-bottom: -1.5rem; }
</style>"""

# Before the menu, whose icons would become the favicon: the browser fetches those from another host.
st.set_page_config(page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide")

PAGES = {
    "": [st.Page("home.py", title="Home", icon=":material/home:", default=True)],
    "Instrument": [st.Page("evolution.py", title="Evolution", icon=":material/timeline:", url_path="evolution")],
    "Initialisation": [
        st.Page("second_moment.py", title="Second moment", icon=":material/show_chart:", url_path="second_moment"),
        st.Page("distribution.py", title="Distribution", icon=":material/bar_chart:", url_path="distribution"),
        st.Page("first_step.py", title="First step", icon=":material/footprint:", url_path="first_step"),
        st.Page("initial_kernel.py", title="Whole kernel", icon=":material/grid_on:", url_path="initial_kernel"),
    ],
}

page = st.navigation(PAGES)
st.html(DENSE)
st.session_state["arrived"] = st.session_state.get("arrived", False) or st.session_state.get("page") != page.url_path
st.session_state["page"] = page.url_path
page.run()
