"""The server: `streamlit run app.py`. Starts and stops the cached engine with it; the pages are in `pages/`."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

import cache
from pages.viewer import ViewerCookie
from pages.warm import warm


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Compute processes as long as the server lives."""
    engine = await asyncio.to_thread(cache.CachedEngine)
    cache.install(engine)
    threading.Thread(target=warm, name="warm", daemon=True).start()
    await asyncio.to_thread(engine.start)
    try:
        yield
    finally:
        cache.install(None)
        await asyncio.to_thread(engine.close)


app = st.App(Path(__file__).parent / "pages" / "main.py", lifespan=lifespan, middleware=[Middleware(ViewerCookie)])
