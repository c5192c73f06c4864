"""The server: `streamlit run app.py`. Starts and stops the cached engine with it; the pages are in `pages/`."""

import asyncio
import gc
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pandas as pd
import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

import cache
from cache import logs
from engine.config import RunConfig
from engine.data import DATASETS, generate
from engine.networks.module.listed import listed, serve
from pages.run.presets import DEFAULT_VALUES
from pages.shell import calibration
from pages.shell.account import WayBack
from pages.shell.gate import gate
from pages.shell.gate.rules import named_hosts
from pages.shell.gate.streamlit_internals import take_requests_whole
from pages.shell.people import check_sign_in, is_stranger, over_tls, upload_bytes
from pages.shell.probes import TOKEN_VARIABLE, Probes
from pages.shell.requests import Requests
from pages.shell.viewers import ViewerCookie


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Compute processes as long as the server lives."""
    serve()
    take_requests_whole()
    engine = await asyncio.to_thread(cache.CachedEngine, rehearsal=rehearsal())
    cache.install(engine)
    await asyncio.to_thread(engine.start)
    threading.Thread(target=warm, name="warm", daemon=True).start()
    await asyncio.to_thread(calibration.start)
    logs.take_over()
    try:
        yield
    finally:
        cache.install(None)
        await asyncio.to_thread(engine.close)


def rehearsal() -> cache.Rehearsal:
    """The default preset's first step: what a newcomer runs first is then compiled."""
    training = {**DEFAULT_VALUES["training"], "max_steps": 1}
    values = {**DEFAULT_VALUES, "training": training, "seeds": [0], "store_parameters": False}
    return cache.Rehearsal("run", RunConfig.from_dict(values))


def warm() -> None:
    """What the first visitor would otherwise wait for: imports the libraries of pages and data, and lets Altair read
    its schema: a few seconds, once per server."""
    from altair.utils import schemapi

    from pages.charts.evolution import live_curve
    from pages.charts.specification import Specification
    from pages.views import evolution  # noqa: F401

    # Altair checks every part that it makes against its schema, a quarter of what a chart takes: the tests do that.
    schemapi.disable_debug_mode()
    rows = pd.DataFrame({"seed": [0, 0], "t": [0.0, 1.0], "residual": [1.0, 0.5]})
    Specification.of(live_curve(rows, "residual"))
    generate(DATASETS["digits"].from_dict({}))
    # Python looks for garbage now and then: a quarter of a second over all that was imported.
    gc.collect()
    gc.freeze()


def middleware() -> list[Middleware]:
    """What stands before Streamlit. A setting that cannot be, or lets strangers in, ends the program in one line."""
    try:
        logs.start()
        cache.check_location()
        listed()
        hosts = os.environ.get("KERNEL_DRIFT_HOSTS", "")
        check_sign_in(config.get_option("server.address"), named_hosts(hosts))
        probes = Middleware(Probes, token=os.environ.get(TOKEN_VARIABLE, ""))
        parts = gate(hosts, [probes], over_tls(), is_stranger, upload_bytes)
        return [Middleware(Requests), *parts, Middleware(ViewerCookie), Middleware(WayBack)]
    except (ValueError, cache.CacheFault) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


app = st.App(Path(__file__).parent / "pages" / "main.py", lifespan=lifespan, middleware=middleware())
