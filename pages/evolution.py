"""Evolution: train a network and watch its kernel move."""

import streamlit as st

from engine.training.result import RunResult
from pages import asking, controls, results
from pages.siblings import links

st.title("Evolution")
asked = controls.show()
arrays = asking.show(asked)
if arrays is not None:
    links("evolution")
    results.full(RunResult.from_arrays(dict(arrays)), arrays)
