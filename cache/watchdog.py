"""Preload of every compute process: when the server dies (kill -9 included), it goes too and tidies up."""

import os
import shutil
import signal
import threading
import time
from typing import Any

PARENT_VARIABLE = "KERNEL_DRIFT_PARENT"
SCRATCH_VARIABLE = "KERNEL_DRIFT_SCRATCH"


def dask_setup(server: Any) -> None:
    parent = int(os.environ[PARENT_VARIABLE])

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        shutil.rmtree(os.environ[SCRATCH_VARIABLE], ignore_errors=True)
        # The whole group: multiprocessing's own helper would complain of what a killed worker leaves.
        os.killpg(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
