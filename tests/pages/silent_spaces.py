"""Paths of spaces with numbers of one's choice, and what is said of those that permit no sentence."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import followed_spaces as followed
import numpy as np

from engine.rkhs.gram import FLAGS
from engine.rkhs.result import SeedSpaces
from pages.charts import growth, stopped
from pages.views import (
    bias_words,
    error_words,
    four_answers,
    frequency_words,
    function_space_words,
    norm_words,
    spaces_words,
    stopped_words,
)  # fmt: skip

T, P = 3, 8
FLAGGED = FLAGS.index("rank-deficient")
NAN = np.full(T, np.nan)


def seed(number: int = 0, checkpoints: int = T, **changes: Any) -> SeedSpaces:
    """A seed whose spaces stay as they are; `held_out__name` changes the array held_out/name."""
    scalars = (
        "alignment_centred",
        "stable_rank",
        "decay_exponent",
        "target_S",
        "function_S",
        "function_in_H_0_S",
        "cka",
    )
    arrays: dict[str, Any] = {f"held_out/{name}": np.ones(T) for name in scalars}
    arrays |= {"t": np.arange(3.0), "network_error": np.full(T, 0.5), "held_out/target_flag": np.zeros(T)}
    arrays |= {"held_out/eigenvalues": np.ones((T, P)), "train/eigenvalues": np.ones((T, P))}
    arrays |= {f"{where}/rank": np.full(T, P) for where in ("held_out", "train")}
    arrays |= {f"{where}/condition": np.full(T, 10.0) for where in ("held_out", "train")}
    arrays |= {"held_out/target_power": np.eye(P)[[0] * T], "held_out/effective_dimension": np.ones((T, 3))}
    arrays |= {
        "held_out/gap_angles": np.full((T, 2), 0.3),
        "mode_overlap": np.ones((T, 4)),
        "train/target_S": np.ones(T),
    }
    arrays |= {f"held_out/{name}": np.full((T, 4), 2.0) for name in ("H_t_in_H_0", "H_0_in_H_t")}
    for name in ("K_t", "K_t_tuned"):
        arrays |= {f"{name}_error": np.full(T, 0.4), f"{name}_flag": np.zeros(T)}
    arrays |= {"learning_sizes": np.array([4, 8])}
    arrays |= {f"learning_{name}": np.full((2, 2, 2), 0.3) for name in ("predicted", "measured", "error")}
    arrays |= {"grid_sizes": np.array([8, 16, 32]), "grid_norm": np.ones((2, 3, 3)), "grid_rank": np.full((2, 3), 8)}
    arrays |= {"grid_outside": np.zeros((2, 3, 3))}
    arrays |= {
        "held_out/frontier_error": np.array([[1.0, 0.01]] * T),
        "held_out/frontier_radius_squared": np.ones((T, 2)),
    }
    arrays |= {name.replace("__", "/"): value for name, value in changes.items()}
    along = {name: array[:checkpoints] for name, array in arrays.items() if len(array) == T and "grid" not in name}
    facts = {"seed": number, "stop_reason": "residual", "gap": {"held_out": 2}, "no_decay": {"held_out": ["R^2"] * T}}
    return SeedSpaces({**arrays, **along}, facts)


def spaces(*seeds: SeedSpaces) -> Any:
    run = SimpleNamespace(data=SimpleNamespace(name="circle"), kernel="ntk", kernel_moves=True)
    return SimpleNamespace(seeds=seeds, arrays={}, config=SimpleNamespace(run=run), followed=run)


def values(headlines: list[Any]) -> str:
    return " ".join(headline.value for headline in headlines)


def silent(function: Callable[..., Any], *more: Any, **changes: Any) -> Callable[[], Any]:
    return lambda: function(spaces(seed(**changes)), *more)


NO_GRID = np.full((2, 3, 3), np.nan)
NO_CONSTANT = np.full((T, 4), np.nan)
APART = np.array([[[0.30, 0.30], [0.3, 0.3]], [[0.29, 0.29], [0.3, 0.3]]])
"""Errors of K_0 and K_T that differ by less than their standard errors."""

SILENT: dict[str, Callable[[], Any]] = {
    "pages.views.bias_words._alignment": silent(bias_words._alignment, "held_out", checkpoints=1),
    "pages.views.bias_words._decay": silent(bias_words._decay, "held_out", held_out__decay_exponent=NAN),
    "pages.views.bias_words._power": silent(
        bias_words._power, "held_out", held_out__target_power=np.full((T, P), 1 / P), held_out__rank=np.full(T, 2)
    ),
    "pages.views.norm_words._of_one_space": silent(norm_words._of_one_space),
    "pages.views.bias_words._of_one_kernel": silent(bias_words._of_one_kernel),
    "pages.views.error_words._of_one_kernel": silent(error_words._of_one_kernel),
    "pages.views.bias_words._size": silent(bias_words._size, "held_out", checkpoints=1),
    "pages.views.bias_words._turned": silent(bias_words._turned, "held_out", held_out__rank=np.full(T, 1)),
    "pages.views.bias_words._baked": silent(bias_words._baked, "train", checkpoints=1),
    "pages.views.bias_words.headlines": silent(
        lambda result: values([bias_words.headlines(result, "held_out")[0]]), held_out__decay_exponent=NAN
    ),
    "pages.views.error_words._kernels": silent(error_words._kernels, K_t_error=NAN, K_t_tuned_error=NAN),
    "pages.views.error_words._against_start": silent(error_words._against_start, K_t_error=NAN, K_t_tuned_error=NAN),
    "pages.views.four_answers.labels": silent(
        lambda result: [four_answers.labels(result)[page] for page in four_answers.QUESTIONS],
        K_t_error=NAN,
        K_t_tuned_error=NAN,
        held_out__target_S=NAN,
        held_out__cka=NAN,
        grid_norm=NO_GRID,
    ),
    "pages.views.spaces_words.of_loss": lambda: spaces_words.of_loss(followed.result(followed.seed())),
    "pages.views.error_words._tuned": silent(error_words._tuned, K_t_tuned_error=NAN),
    "pages.views.error_words._flags": silent(error_words._flags),
    "pages.views.error_words.curve_sentences": lambda: error_words.curve_sentences(seed(learning_measured=APART)),
    "pages.views.error_words.headlines": silent(
        lambda result: values(error_words.headlines(result)), K_t_error=NAN, K_t_tuned_error=NAN
    ),
    "pages.views.norm_words._target": silent(norm_words._target, held_out__target_S=NAN, train__target_S=NAN),
    "pages.views.norm_words._function": silent(norm_words._function, held_out__function_S=np.zeros(T)),
    "pages.views.norm_words._limit": silent(norm_words._limit),
    "pages.views.norm_words._inclusion": silent(norm_words._inclusion, held_out__H_t_in_H_0=NO_CONSTANT),
    "pages.views.norm_words._growing": silent(norm_words._growing, held_out__H_t_in_H_0=NO_CONSTANT),
    "pages.views.norm_words.headlines": silent(
        lambda result: values(norm_words.headlines(result)), held_out__target_S=NAN
    ),
    "pages.views.function_space_words.answer": silent(function_space_words.answer, grid_norm=NO_GRID),
    "pages.views.function_space_words._others": silent(function_space_words._others, grid_norm=NO_GRID),
    "pages.views.norm_words._baked": silent(norm_words._baked, train__target_S=NAN),
    "pages.views.function_space_words._balls": silent(
        function_space_words._balls, held_out__frontier_error=np.ones((T, 2))
    ),
    "pages.views.function_space_words._modes": silent(function_space_words._modes, held_out__rank=np.zeros(T)),
    "pages.views.function_space_words._headline": silent(
        lambda result: values(function_space_words.headlines(result)), grid_norm=NO_GRID
    ),
    "pages.views.stopped_words._fixed": lambda: stopped_words._fixed(
        followed.result(followed.seed(left_out=["frozen_departure"]), followed.seed(1, stop_reason="diverged")), 0.1
    ),
    "pages.views.stopped_words._errors": lambda: stopped_words._errors(
        followed.result(followed.seed(frozen_departure=followed.ends([0.0, 0.0, 0.0, 0.0]))), 0.1
    ),
    "pages.views.stopped_words._still": lambda: stopped_words._still(
        followed.result(followed.seed(frozen_departure=followed.ends([0.5, 0.5, 0.5, 0.0]))), "held_out", 0.1
    ),
    "pages.views.frequency_words._strength": lambda: frequency_words._strength(
        followed.result(followed.seed(), frequency_operator=np.full(3, np.nan))
    ),
    "pages.views.frequency_words._leakage": lambda: frequency_words._leakage(
        followed.result(followed.seed(), followed.seed(1, frequency_residual=np.full((4, 4), 0.05)))
    ),
    "pages.views.frequency_words._decay": lambda: frequency_words._decay(
        followed.result(followed.seed(), followed.seed(1, left_out=["frequency_foretold"]))
    ),
    "pages.views.frequency_words._exchange": lambda: frequency_words._exchange(
        followed.result(followed.seed(frequency_power=np.zeros((4, 4, 4))))
    ),
    "pages.charts.stopped._beyond": lambda: stopped._beyond(np.array([9.9, 10.0, np.nan]), 10.0, "10"),
    "pages.charts.growth.learning_table": lambda: growth.learning_table(seed(), with_ridge=True).notes,
}
"""By source: what is said of numbers that permit no sentence."""

THERE_AND_BACK = np.array([0.2, 0.8, 0.21])
EXCHANGED = np.zeros((4, 4, 4))
EXCHANGED[:, 0, 0], EXCHANGED[:, 0, 1] = 1.0, [0.25, 4.0, 1.0, 0.25]
PATHS: dict[str, tuple[Callable[[], Any], str]] = {
    "pages.views.stopped_words._fixed": (
        lambda: stopped_words._fixed(
            followed.result(followed.seed(frozen_departure=followed.ends([0.05, 0.5, 0.05, 0.0]))), 0.1
        ),
        "**From t = 2 on the kernel could have been held fixed**",
    ),
    "pages.views.frequency_words._exchange": (
        lambda: frequency_words._exchange(followed.result(followed.seed(frequency_power=EXCHANGED))),
        "was 0.2 at the start and 0.2 at the stop, between 0.2 and 0.8 on the way",
    ),
    "pages.views.bias_words._alignment": (
        silent(bias_words._alignment, "held_out", held_out__alignment_centred=THERE_AND_BACK),
        "was 0.2 at the start and 0.21 at the stop, between 0.2 and 0.8 on the way",
    ),
    "pages.views.bias_words._size": (
        silent(bias_words._size, "held_out", held_out__stable_rank=THERE_AND_BACK),
        "stable rank was 0.2 at the start and 0.21 at the stop, between 0.2 and 0.8 on the way",
    ),
}
"""By source: what is said of a path whose ends alone would mislead, and what must be in it."""
