"""What is logged of a job says which, and by what request it was asked for, whatever thread says it."""

import io
import json
import logging
import sys
from collections.abc import Callable

import pytest
from toy_jobs import ToyConfig

from cache import CachedEngine, logs
from cache.logs import REQUEST


def test_a_job_and_its_request_are_in_every_line_about_it(
    engine: CachedEngine, config: Callable[..., ToyConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setenv(logs.VARIABLE, "json")
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logs, "take_over", lambda: None)
    logs.start()
    token = REQUEST.set("page-of-this-test")
    job = engine.wait(engine.request("refuses", config(), "me"), 60)
    REQUEST.reset(token)
    for name in logs.OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    records = [json.loads(line) for line in written.getvalue().splitlines()]
    said = {record["message"].split(":")[0]: record for record in records}
    assert said.keys() == {f"job {job.key} failed", "refuses failed"}
    assert {record["job"] for record in records} == {job.key[:8]}
    assert {record["request"] for record in records} == {"page-of-this-test"}
