"""Preload of every compute process: when the server dies (kill -9 included), it goes too."""

import os
import threading
import time
from typing import Any

PARENT_VARIABLE = "KERNEL_DRIFT_PARENT"


def dask_setup(server: Any) -> None:
    parent = int(os.environ[PARENT_VARIABLE])

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
