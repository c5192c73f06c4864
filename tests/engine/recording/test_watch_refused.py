"""What `kd.watch` refuses, and what it leaves out."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from recorded_loops import HELD_OUT, X, Y, linear, of, watched

import engine as kd
from engine.schema import ConfigError

pytestmark = pytest.mark.usefixtures("folder")


def mixing(params: Any, x: Any) -> Any:
    return (x - x.mean(0)) @ params["w"]


def doubled(params: Any, x: Any) -> Any:
    """In a loop that no signal goes back through: it has a kernel, and no gradient."""
    return jax.vmap(lambda h: jax.lax.while_loop(lambda h: h.sum() < 9, lambda h: 2 * h, h))(jnp.exp(x @ params["w"]))


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "mixes examples": (lambda: watched(mixing), "other outputs beside other examples than alone"),
    "outputs": (lambda: watched(lambda params, x: (x @ params["w"])[:, 0]), "gives outputs of shape"),
    "narrow": (lambda: watched(lambda params, x: linear(params, x).astype(jnp.float16)), "rounds to float16"),
    "raises": (lambda: watched(lambda params, x: x @ params["v"]), "raised KeyError"),
    "no gradient": (lambda: watched(doubled, loss="mean", learning_rate=0.1), "raised ValueError: Reverse-mode"),
    "no network": (lambda: watched(3), "apply"),
    "no targets": (lambda: watched(linear, y=Y[:-1]), "y_probe: of shape"),
    "targets": (lambda: watched(linear, y=np.tile(Y, 2)), "y_probe: of shape"),
    "classes": (lambda: watched(linear, y=np.full(16, 5)), "classes from 5 to 5"),
    "not finite": (lambda: watched(linear, x=X * np.nan), "x_probe: has an entry that is not finite"),
    "held out": (lambda: watched(linear, held_out=15), "15 of them held out"),
    "too many": (lambda: watched(linear, x=np.ones((1100, 3)), y=np.ones(1100)), "at most 1024"),
    "name": (lambda: watched(linear, name=""), "name"),
    "loss": (lambda: watched(linear, loss="hinge?"), "loss"),
    "steps": (lambda: watched(linear, steps=[-1]), "steps"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused_and_nothing_is_left(name: str, folder: Path) -> None:
    act, said = BAD[name]
    with pytest.raises(ConfigError, match=said):
        act()
    assert not folder.exists() or not list(folder.iterdir())


def test_a_network_is_refused_before_its_first_step_where_its_parameters_are_given() -> None:
    with pytest.raises(ConfigError, match="beside other examples than alone"):
        kd.watch("early", mixing, X, Y, held_out=HELD_OUT, params={"w": jnp.ones((3, 1))})


@pytest.mark.parametrize(("second", "said"), [((5, 0.1), "t: 0.1 given after 1"), ((-3, 2.0), "step -3")])
def test_a_loop_that_goes_back_is_told(second: tuple[int, float], said: str) -> None:
    params = {"w": jnp.ones((3, 1))}
    with kd.watch("back", linear, X, Y, held_out=HELD_OUT) as watch:
        watch(0, params, t=1.0)
        watch._due = -10
        with pytest.raises(ConfigError, match=said):
            watch(second[0], params, t=second[1])


def test_parameters_that_were_donated_are_named() -> None:
    params = {"w": jnp.ones((3, 1))}
    params["w"].delete()
    with pytest.raises(ConfigError, match="donated to a later step"):
        watched_of(params)


def watched_of(params: Any) -> None:
    with kd.watch("donated", linear, X, Y, held_out=HELD_OUT) as watch:
        watch(0, params)


def test_the_last_step_is_left_out_where_its_parameters_are_gone() -> None:
    watch = kd.watch("gone", linear, X, Y, held_out=HELD_OUT)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with watch:
            for step in range(40):
                params = {"w": jnp.ones((3, 1))}
                watch(step, params)
            params["w"].delete()
    assert ["the last step is not recorded" in str(one.message) for one in told] == [True]
    assert of(watch.result).step[-1] < 39
