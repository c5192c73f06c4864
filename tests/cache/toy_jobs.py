"""Jobs that behave, and jobs that do not. Imported by the workers too: no pytest here."""

import os
import resource
import signal
import time
from pathlib import Path

import numpy as np

from engine.config import RunConfig
from engine.data import generate
from engine.progress import Entries, Progress, Report
from engine.schema import Config, ConfigError, Problem


class ToyConfig(Config):
    """Attributes: `trace` is a file to which each computation appends a line."""

    number: int = 0
    steps: int = 3
    pause: float = 0.0
    trace: str = ""


def leave_trace(config: ToyConfig) -> None:
    if config.trace:
        with Path(config.trace).open("a") as file:
            file.write(f"{os.getpid()}\n")


def steady(config: ToyConfig, report: Report) -> Entries:
    """Reports each step with a row."""
    leave_trace(config)
    for step in range(config.steps):
        report(Progress(step / config.steps, "stepping", rows=({"step": step, "loss": np.float64(1) / (step + 1)},)))
        time.sleep(config.pause)
    squares = np.arange(config.steps) ** 2 + config.number
    return {"result": {"squares": squares, "note": np.array("naïve")}, "parameters": {"big": np.zeros(config.steps)}}


def draws(config: RunConfig, report: Report) -> Entries:
    """The training points of its data, and the process that made them."""
    return {"result": {"x": generate(config.data).x_train, "pid": np.array(os.getpid())}}


def deaf(config: ToyConfig, report: Report) -> Entries:
    """Says once that it began, then never looks again."""
    leave_trace(config)
    report(Progress(0.0, "not listening"))
    time.sleep(60)
    return {}


def dies(config: ToyConfig, report: Report) -> Entries:
    """Is killed the first time, by the signal `number`; the next time all is well."""
    first = not Path(config.trace).exists()
    leave_trace(config)
    report(Progress(0.4, "training"))
    if first:
        time.sleep(0.2)
        os.kill(os.getpid(), config.number or signal.SIGKILL)
    return {"result": {"ok": np.array(1)}}


def exits_at_once(config: ToyConfig, report: Report) -> Entries:
    leave_trace(config)
    os._exit(3)


def out_of_memory(config: ToyConfig, report: Report) -> Entries:
    raise MemoryError


def out_of_device_memory(config: ToyConfig, report: Report) -> Entries:
    raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9.9TiB.")


def asks_too_much(config: ToyConfig, report: Report) -> Entries:
    """More than any machine has."""
    import jax.numpy as jnp

    return {"result": {"x": np.asarray(jnp.zeros(1 << 47))}}


def decomposes(config: ToyConfig, report: Report) -> Entries:
    """A matrix of 288 MB, with `number` bytes more than the process has by then."""
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        jax.block_until_ready(jnp.ones(3) + 1)
        report(Progress(0.4, "training"))
        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (has + config.number, before[1]))
        try:
            jax.block_until_ready(jnp.linalg.eigh(jnp.eye(6000)))
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
    return {}


def refuses(config: ToyConfig, report: Report) -> Entries:
    raise ConfigError([Problem("learning_rate", "0.8 exceeds the stability limit 0.31: lower it")])


def keeps_objects(config: ToyConfig, report: Report) -> Entries:
    return {"result": {"thing": np.array([object()])}}


def uses_jax(config: ToyConfig, report: Report) -> Entries:
    import jax
    import jax.numpy as jnp

    total = jax.jit(lambda x: (x**2).sum())(jnp.arange(4.0))
    report(Progress(0.5, "compiled", rows=({"total": total},)))  # type: ignore[dict-item]
    settings = f"{total.dtype} {os.nice(0)} {os.environ['XLA_PYTHON_CLIENT_PREALLOCATE']} "
    settings += os.environ["MALLOC_TRIM_THRESHOLD_"]  # Dask's own 65536 doubles the time of a run
    return {"result": {"total": np.asarray(total), "settings": np.array(settings)}}


def eats(config: ToyConfig, report: Report) -> Entries:
    """Takes ever more memory."""
    hoard = []
    for step in range(100):
        hoard.append(np.ones(5_000_000))  # 40 MB
        report(Progress(step / 100, "eating"))
        time.sleep(0.05)
    return {}


def hangs_once(config: ToyConfig, report: Report) -> Entries:
    """Hangs the first time; the next time all is well."""
    first = not Path(config.trace).exists()
    leave_trace(config)
    time.sleep(60 if first else 0)
    return {"result": {"ok": np.array(1)}}


def hostile(config: ToyConfig, report: Report) -> Entries:
    """Sends the server a pickle that runs code: as an event, in place of the result, or in place of an exception."""
    from bombs import Bomb
    from distributed import get_worker
    from distributed.protocol import pickle
    from distributed.protocol.serialize import families, pickle_dumps

    from cache import wire, worker

    bomb = Bomb(config.trace)
    pickle.loads(pickle.dumps(bomb))  # it works
    if config.number == 0:
        message = {"op": "log-event", "topic": worker.TOPIC, "msg": bomb}
        get_worker().loop.add_callback(get_worker().batched_send, message)
    elif config.number == 1:

        def once(_: object) -> tuple:
            families[wire.FAMILY] = honest
            return pickle_dumps(bomb)

        honest = families[wire.FAMILY]
        families[wire.FAMILY] = (once, wire.loads, False)
    else:

        def raises(_: BaseException) -> None:
            worker.explain = explain
            raise bomb from None

        explain, worker.explain = worker.explain, raises  # type: ignore[assignment]
        raise bomb
    return {"result": {"ok": np.array(1)}}
