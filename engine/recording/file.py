"""The file of a recording: one npz of plain arrays, read with every check before a number of it is believed. No JAX.

about    text: a JSON object of `About`
step     (T,) whole numbers, ascending; t (T,) times, ascending
kernel   (T, p, p) traced over outputs, (1/k) sum_o K_oo, on the probe points: those trained on first
outputs  (T, p, k) of the network; targets (p, k)
loss     (T,) of the loop, not finite where it did not say (optional)
labels   (p,) classes 0, 1, ... (optional)

Of plain gradient descent on a squared loss (`engine.recording.descent`), whose learning rate `about` then has:
defect   (T, p, k) what a step adds to the outputs beyond -eta_eff K r
after    (T, p, k) outputs of the loop one step on, NaN where nobody looked
full     (T, p k, M k) the kernel between outputs, against the M points trained on (of several outputs, optional)
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from engine.data.contents import digest_of
from engine.data.npz import arrays_in
from engine.numerics import UNIT_ROUNDOFF
from engine.problems import ConfigError
from engine.recording.config import (
    LONGEST_NAME,
    MOST_OUTPUTS,
    MOST_POINTS,
    Loss,
    Precision,
    Rate,
    RecordedFile,
    RecordingConfig,
    effective_rate,
)
from engine.recording.descent import Descent
from engine.recording.probes import Probes
from engine.schema import Config

FORMAT = 1
MOST_BYTES = 256_000_000
"""Of a file, and of its arrays."""
NEEDED = ("about", "step", "t", "kernel", "outputs", "targets")
OPTIONAL = ("loss", "labels", "defect", "after", "full")
ASYMMETRY = {"float64": 1e-10, "mixed": 1e-5, "float32": 1e-4}
"""Largest |K - K^T| over the largest |K|."""
NOISE = 30.0
"""Noise floors below zero that an eigenvalue may lie."""


class About(Config):
    """What a recording says of itself.

    Attributes:
        name, loss, precision, versions: as in `RecordingConfig`.
        held_out: probe points, the last, that the loop did not train on.
        learning_rate: as in `RecordingConfig`.
        ended: "closed" by its loop, "raised" by an error in it, "diverged"; empty while it goes on, and for good where
            the loop was killed.
    """

    format: Literal[1] = FORMAT
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    held_out: Annotated[int, Field(ge=2, le=MOST_POINTS)]
    loss: Loss | None = None
    precision: Precision = "float64"
    versions: Annotated[str, Field(max_length=500)] = ""
    learning_rate: Rate | None = Field(None, exclude_if=lambda value: value is None)
    ended: Literal["", "closed", "raised", "diverged"] = ""


@dataclass(frozen=True, eq=False)
class Recording:
    """What is in the file, checked."""

    about: About
    step: Int[np.ndarray, " T"]
    t: Float[np.ndarray, " T"]
    kernel: Float[np.ndarray, "T p p"]
    outputs: Float[np.ndarray, "T p k"]
    targets: Float[np.ndarray, "p k"]
    loss: Float[np.ndarray, " T"] | None = None
    labels: Int[np.ndarray, " p"] | None = None
    defect: Float[np.ndarray, "T p k"] | None = None
    after: Float[np.ndarray, "T p k"] | None = None
    full: Float[np.ndarray, "T pk Mk"] | None = None

    @property
    def train(self) -> int:
        """M."""
        return len(self.targets) - self.about.held_out

    @property
    def probes(self) -> Probes:
        """What there was to learn."""
        return Probes(self.targets, self.labels, self.about.held_out, self.about.loss)

    @property
    def facts(self) -> dict[str, Any]:
        """Of its one path, as `engine.recording.result.RecordedSeed` has them. Rates are not known."""
        stopped = "diverged" if self.about.ended == "diverged" else "recorded"
        ends = {"steps": int(self.step[-1]), "t_stop": float(self.t[-1]), "precision": self.about.precision}
        return {"seed": 0, "stop_reason": stopped, "effective_rate": 0.0, "learning_rate": 0.0, **ends}

    @property
    def descent(self) -> Descent | None:
        """None where its steps are not recorded as such, or the kernel between outputs is not."""
        (T, p, k), M = self.outputs.shape, self.train
        kernel = self.kernel[:, :, :M] if k == 1 else self.full
        rate = effective_rate(self.about.learning_rate, self.about.loss, M)
        if kernel is None or self.defect is None or not rate:
            return None
        residual = (self.outputs - self.targets)[:, :M].reshape(T, -1)
        after = np.full_like(self.outputs, np.nan) if self.after is None else self.after
        outputs, defect, after = (array.reshape(T, p * k) for array in (self.outputs, self.defect, after))
        return Descent(rate, kernel, outputs, residual, defect, after)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What `np.savez` writes."""
        about = json.dumps(self.about.to_dict(), allow_nan=False)
        own = {name: getattr(self, name) for name in (*NEEDED[1:], *OPTIONAL)}
        return {"about": np.array(about)} | {name: array for name, array in own.items() if array is not None}

    def config(self, content: bytes, file: str) -> RecordingConfig:
        """Its identity, where these are its bytes."""
        return RecordingConfig(
            recording=self.about.name,
            source=RecordedFile(file=file, digest=digest_of(content)),
            train=self.train,
            held_out=self.about.held_out,
            outputs=self.targets.shape[1],
            checkpoints=len(self.step),
            **{name: getattr(self.about, name) for name in ("loss", "precision", "versions")},
            **self._stepped(),
        )

    def _stepped(self) -> dict[str, Any]:
        """What its config says of its steps."""
        if self.about.learning_rate is None:
            return {}
        descent = self.descent
        astray = None if descent is None else descent.astray()
        first = None if astray is None else int(self.step[astray])
        rate, span = self.about.learning_rate, int(self.step[-1] - self.step[0])
        return {"learning_rate": rate, "full": self.full is not None, "span": span, "astray": first}


def read(content: bytes) -> Recording:
    """The recording in these bytes. Raises `ValueError` in one line: what is wrong with it."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"has {len(content):,} bytes, at most {MOST_BYTES:,} are read: record fewer points or steps")
    found = arrays_in(content, (*NEEDED, *OPTIONAL), MOST_BYTES)
    if missing := [name for name in NEEDED if name not in found.arrays]:
        raise ValueError(f"has no {' and no '.join(missing)}: it is no recording of kd.watch (it holds {found.listed})")
    arrays = dict(found.arrays)
    recording = Recording(_about(arrays.pop("about")), **{name: _numbers(name, one) for name, one in arrays.items()})
    for problem in _problems(recording):
        raise ValueError(problem)
    return recording


def _about(text: np.ndarray) -> About:
    try:
        values = json.loads(str(text)) if text.ndim == 0 and text.dtype.kind == "U" and text.nbytes < 40_000 else None
        return About.from_dict(values)
    except ConfigError as error:
        raise ValueError(f"says wrong things of itself (about): {error.problems[0]}") from None
    except (ValueError, RecursionError):
        raise ValueError("does not say what it is: its about is no JSON object") from None


def _numbers(name: str, array: np.ndarray) -> np.ndarray:
    """Whole numbers for steps and labels, float64 for the rest."""
    whole = name in ("step", "labels")
    if array.dtype.kind not in ("iu" if whole else "iuf"):
        raise ValueError(f"{name} holds {array.dtype}; {'whole' if whole else 'real'} numbers are needed")
    return array.astype(np.int64 if whole else np.float64, copy=False)


def _problems(found: Recording) -> Iterator[str]:
    """The first stands: what follows it may not be computable."""
    yield from _shapes(found)
    yield from _values(found)
    yield from _times(found)
    yield from _kernels(found)


def _shapes(found: Recording) -> Iterator[str]:
    T, (p, k) = len(np.atleast_1d(found.step)), (*found.targets.shape, 0, 0)[:2]
    M = p - found.about.held_out
    if found.targets.ndim != 2 or not 0 < k <= MOST_OUTPUTS:
        yield f"targets is {_shape(found.targets)}; (p, k) is needed, k at most {MOST_OUTPUTS}"
    if M < 2 or p > MOST_POINTS:
        given = f"{p} probe points, {found.about.held_out} of them held out"
        yield f"has {given}: at least 2 trained on are needed, and at most {MOST_POINTS} in all"
    needed: Mapping[str, tuple[int, ...]] = {
        "step": (T,), "t": (T,), "kernel": (T, p, p), "outputs": (T, p, k), "loss": (T,), "labels": (p,),
        "defect": (T, p, k), "after": (T, p, k), "full": (T, p * k, M * k),
    }  # fmt: skip
    for name, shape in needed.items():
        array = getattr(found, name)
        if array is not None and array.shape != shape:
            yield f"{name} is {_shape(array)}; {shape} is needed for {T} checkpoints, {p} points and {k} outputs"
    if not T:
        yield "has no checkpoint"


def _values(found: Recording) -> Iterator[str]:
    for name in ("t", "kernel", "outputs", "targets", "defect", "full"):
        array = getattr(found, name)
        if array is not None and not np.isfinite(array).all():
            yield f"{name} has an entry that is not finite"
    if found.after is not None and np.isinf(found.after).any():
        yield "after has an infinite entry"
    driven = effective_rate(found.about.learning_rate, found.about.loss, found.train) > 0
    given = [name for name in ("defect", "after", "full") if getattr(found, name) is not None]
    if given and not driven:
        yield f"has {given[0]}, but neither learning_rate nor a squared loss of a loop whose steps those are"
    if driven and found.defect is None and (found.full is not None or found.outputs.shape[2] == 1):
        yield "has a learning_rate, but no defect of its steps: of such a loop kd.watch records both"


def _times(found: Recording) -> Iterator[str]:
    if found.step[0] < 0 or np.any(np.diff(found.step) <= 0):
        yield "step does not ascend from 0 on"
    if np.any(np.diff(found.t) < 0) or found.t[0] < 0:
        yield "t does not ascend from 0 on"
    labels, count = found.labels, max(2, found.targets.shape[1])
    if labels is not None and (labels.min() < 0 or labels.max() >= count):
        yield f"labels run from {labels.min()} to {labels.max()}: 0 to {count - 1} are needed"
    try:
        found.probes.learned()
    except ConfigError:
        yield f"has no classes, which {found.about.loss} needs: record class numbers"


def _kernels(found: Recording) -> Iterator[str]:
    """Symmetric, and positive semi-definite to the noise floor of the precision; the one between outputs too, on the
    training points, of which the other is then the trace."""
    for at, (step, K) in enumerate(zip(found.step, found.kernel, strict=True)):
        yield from _kernel(f"kernel at step {step}", K, found.about.precision)
        if found.full is not None:
            yield from _kernel(f"full at step {step}", found.full[at, : found.full.shape[2]], found.about.precision)
            yield from _trace(found, at)


def _kernel(name: str, K: Float[np.ndarray, "n n"], precision: Precision) -> Iterator[str]:
    size = float(np.abs(K).max())
    if (apart := float(np.abs(K - K.T).max())) > ASYMMETRY[precision] * size:
        yield f"{name} is not symmetric: off by {apart / size:.1e} of its largest entry"
    values = np.linalg.eigvalsh((K + K.T) / 2)
    if values[0] < -NOISE * len(K) * UNIT_ROUNDOFF[precision] * max(values[-1], 0.0):
        low = f"its smallest eigenvalue is {values[0]:.2e}, its largest {values[-1]:.2e}"
        yield f"{name} is no kernel: {low}, which {precision} rounding does not explain"


def _trace(found: Recording, at: int) -> Iterator[str]:
    """kernel = (1/k) sum_o full_oo."""
    full: Any = found.full
    K, k, M = found.kernel[at], found.targets.shape[1], found.train
    traced = np.einsum("iojo->ij", full[at].reshape(len(K), k, M, k)) / k
    if (apart := float(np.abs(traced - K[:, :M]).max())) > ASYMMETRY[found.about.precision] * float(np.abs(K).max()):
        yield f"full at step {found.step[at]} is not of the same network as kernel: its trace is off by {apart:.1e}"


def _shape(array: Any) -> str:
    return f"of shape {np.shape(array)}"
