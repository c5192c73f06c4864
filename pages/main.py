"""The menu. `app.py` starts this; each page is one file and one line here."""

from pathlib import Path

import streamlit as st

import cache
from engine.networks.module.listed import serve
from engine.result import ResultError
from pages.charts.words import plain
from pages.shell import link, near, view
from pages.shell.account import show_account, turn_away
from pages.shell.link import arrive, flush
from pages.shell.one_at_a_time import one_at_a_time
from pages.shell.people import may_enter
from pages.shell.pressed import forget_press
from pages.shell.shown import begin
from pages.shell.tools.dialogs import open_waiting

DENSE = """<style>
.stMainBlockContainer { padding-top: 3.5rem; padding-bottom: 3rem; }
[data-testid="stMetricValue"] { font-size: 1.5rem; }
[data-testid="stMetricLabel"] p { white-space: normal; }
[data-testid="stSidebar"] [data-testid="stAlertContainer"] { padding: 0.5rem 0.75rem; }
[data-testid="stSidebar"] [data-testid="stAlertContainer"] p { font-size: 0.875rem; line-height: 1.35; }
[data-testid="stVegaLiteChart"] { overflow-x: auto; }
[data-testid="stBaseButton-primary"]:enabled { color: light-dark(#fff, #17181c); }
[data-testid="stPopover"] button { color: inherit !important; }
[data-testid="stVegaLiteChart"] .vega-bindings { display: none; }
[data-testid="stLayoutWrapper"]:has(> .st-key-history) { display: none; }
.st-key-answer { flex-wrap: wrap; }
.st-key-answer > :first-child { flex: 1 1 clamp(18rem, (36rem - 100%) * 999, 100%); }
.st-key-questions [data-testid="stPageLink"] p { white-space: normal; }
[data-testid="stSidebar"] [data-testid="stLayoutWrapper"]:has(> .st-key-bar) {
  position: sticky; top: 0; z-index: 20; padding: 0.5rem 0;
  background: color-mix(in srgb, Canvas 70%, transparent); backdrop-filter: blur(16px); }
[data-testid="stSidebar"] [data-testid="stHorizontalBlock"]:not(:has([data-testid="stAlert"])) { align-items: end; }
@media (max-width: 1150px) {
  [data-testid="stMain"] [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"]) {
    flex-wrap: wrap; row-gap: 1rem; }
  [data-testid="stMain"] [data-testid="stColumn"] { flex: 1 1 100%; min-width: 100%; }
  [data-testid="stMain"] [data-testid="stColumn"]:has([data-testid="stMetric"]) { flex-basis: 45%; min-width: 45%; }
  [data-testid="stMain"] [data-testid="stColumn"]:not(:has([data-testid="stElementContainer"])) { display: none; }
}
[data-testid="stFullScreenFrame"]:has([data-testid="stVegaLiteChart"]) [data-testid="stElementToolbar"] {
  display: none; }
a:focus-visible, label:has(input[type=checkbox]:focus-visible) {
  outline: 2px solid light-dark(#b02a3b, #ef858e) !important; outline-offset: 2px !important; }
@media print {
  [data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stBidiComponentIsolated"],
  [data-testid="stButton"], [data-testid="stDownloadButton"], [data-testid="stPopover"], [data-testid="stPageLink"],
  [data-testid="stCheckbox"], [data-testid="stTooltipIcon"],
  [data-testid="stElementContainer"]:has(#take-it-with-you) { display: none !important; }
  body, .stApp { background: none !important; }
  .stMainBlockContainer { padding: 0; }
  [data-testid="stVegaLiteChart"], [data-testid="stMetric"] { break-inside: avoid; }
  :root[data-theme="dark"] .stApp { filter: invert(1) hue-rotate(180deg); }
}
</style>"""

# Before the menu, whose icons would become the favicon: the browser fetches those from another host.
ABOUT = "**Kernel Drift**: the neural tangent kernel of real networks, as it moves while they train."
# Streamlit draws its menu, which has the switch from light to dark, only where it has something to say.
st.set_page_config(page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide", menu_items={"About": ABOUT})

PAGES = {
    "": [
        st.Page("home.py", title="Home", icon=":material/home:", default=True),
        st.Page("all_runs.py", title="Runs", icon=":material/list:", url_path="all_runs"),
        st.Page("server.py", title="Server", icon=":material/dns:", url_path="server"),
    ],
    "Instrument": [
        st.Page("evolution.py", title="Evolution", icon=":material/timeline:", url_path="evolution"),
        st.Page("perturbation.py", title="Perturbation", icon=":material/layers:", url_path="perturbation"),
        st.Page("regimes.py", title="Regime map", icon=":material/map:", url_path="regimes"),
    ],
    "Function spaces": [
        st.Page("norms.py", title="Norms", icon=":material/straighten:", url_path="norms"),
        st.Page("function_space.py", title="Function space", icon=":material/bubble_chart:", url_path="function_space"),
        st.Page("inductive_bias.py", title="Inductive bias", icon=":material/tune:", url_path="inductive_bias"),
        st.Page("generalisation.py", title="Generalisation", icon=":material/school:", url_path="generalisation"),
    ],
    "Initialisation": [
        st.Page("second_moment.py", title="Second moment", icon=":material/show_chart:", url_path="second_moment"),
        st.Page("distribution.py", title="Distribution", icon=":material/bar_chart:", url_path="distribution"),
        st.Page("first_step.py", title="First step", icon=":material/footprint:", url_path="first_step"),
        st.Page("initial_kernel.py", title="Whole kernel", icon=":material/grid_on:", url_path="initial_kernel"),
    ],
}

serve()  # also where a page runs without `app.py`
allowed = may_enter()
page = st.navigation(PAGES, position="top" if allowed else "hidden")
st.html(DENSE)
near.watch()
link.keep_history()
if not allowed:
    turn_away()
    st.stop()
show_account()
if trouble := cache.current().trouble():
    st.warning(plain(f"{trouble[0].upper()}{trouble[1:]}"), icon=":material/hard_drive:")
if arrive(page.url_path):
    forget_press()
begin()
try:
    with one_at_a_time():
        view.arrive()
        page.run()
        open_waiting()
except ResultError as error:
    st.error(plain(str(error)), icon=":material/error:")
if link.history_is_kept():
    flush()
