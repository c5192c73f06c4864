"""A cached engine in a process of its own, as a second server has it. Run with the folder of the store.

Each line that it reads is a JSON list, what to do and with what; each line that it writes is the answer.
"""

import json
import sys
from pathlib import Path
from typing import Any

from cold_start import ColdStart
from conftest import add_toys
from toy_jobs import ToyConfig

from cache import CachedEngine, Job, Store, cluster
from cache.batches import Order


def told(job: Job | None) -> Any:
    return job and {"state": job.state, "message": job.message, "key": job.key}


def answer(engine: CachedEngine, what: str, *given: Any) -> Any:
    if what == "request":
        config, viewer = given
        return told(engine.request("steady", ToyConfig.from_dict(config), viewer))
    if what == "known":
        return engine.lookup("steady", ToyConfig.from_dict(*given)) is not None
    if what == "job":
        return told(engine.job(*given))
    if what == "cancel":
        return told(engine.ownership.cancel(*given))
    if what == "start":  # a batch that goes on by itself
        who, configs = given
        groups = [[ToyConfig.from_dict(config)] for config in configs]
        order = Order(who, "button", str(len(configs)), "steady", groups)
        engine.batches.start(order)
        return engine.batches.stay(order.key, True)
    if what == "waiting":
        return engine._dispatch.waiting(*given)
    if what == "batches":
        return [found.batch.done for found in engine.batches.listed(*given)]
    if what == "cancel_all":
        return engine.ownership.cancel_all(*given)
    if what == "delete":
        return engine.ownership.delete(*given)
    if what == "work":
        work = engine.work()
        waiting = [(ticket.key, ticket.user, outlook and outlook.position) for ticket, outlook in work.waiting]
        return {
            "running": [(ticket.key, ticket.user) for ticket in work.running],
            "waiting": waiting,
            "debts": work.debts,
        }
    if what == "runs":
        return {run.key: (run.state, run.user) for run in engine.recent()}
    raise ValueError(what)


def main() -> None:
    add_toys()
    cluster.WarmUp = ColdStart
    with CachedEngine(Store(Path(sys.argv[1]))) as engine:
        for line in sys.stdin:
            print(json.dumps(answer(engine, *json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
