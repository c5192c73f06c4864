"""Evolution: train a network and watch its kernel move."""

import streamlit as st

from engine.training.result import RunResult
from pages.run import asking, controls
from pages.run.picker import links
from pages.views import evolution

st.title("Evolution")
asked = controls.show()
arrays = asking.show(asked)
if arrays is not None:
    links("evolution")
    evolution.full(RunResult.from_arrays(dict(arrays)), arrays)
