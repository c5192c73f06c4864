"""What the layout promises and import-linter's contracts (pyproject.toml) cannot say."""

import importlib
import re

import pytest
from grimp import build_graph

JAX = ("jax", "flax", "optax")
ROOMS = (
    "initialisation",
    "networks",
    "networks.module",
    "networks.traced",
    "perturbation",
    "recording",
    "regimes",
    "rkhs",
    "training",
)


@pytest.fixture(scope="module")
def graph():
    return build_graph("pages", "cache", "engine", include_external_packages=True)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_which_of_its_modules_need_jax(graph, room):
    package = f"engine.{room}"
    need = {module for name in JAX for module in graph.find_downstream_modules(name)}
    (said,) = re.findall(r"^Needs JAX: (.*?)\.$", importlib.import_module(package).__doc__ or "", re.M | re.S)
    assert {f"{package}.{name}" for name in re.findall(r"`(\w+)`", said)} == graph.find_children(package) & need


def test_of_the_rest_only_the_doors_and_what_they_call_need_jax(graph):
    need = {module for name in JAX for module in graph.find_downstream_modules(name)}
    rooms = {f"engine.{room}" for room in ROOMS}
    assert (graph.find_children("engine") & need) - rooms == {
        "engine.__main__",
        "engine.arguments",
        "engine.device",
        "engine.kernels",
        "engine.runge_kutta",
    }


def test_nothing_imports_a_page(graph):
    """A page runs when it is imported."""
    rooms = {name for name in graph.find_children("pages") if graph.find_children(name)}
    pages = graph.find_children("pages") - rooms
    assert len(pages) > 10
    assert not {page for page in pages if graph.find_modules_that_directly_import(page)}
