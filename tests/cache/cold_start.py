"""A worker that imports nothing in advance, for tests that start many."""

from distributed import WorkerPlugin


class ColdStart(WorkerPlugin):
    name = "cold-start"

    def __init__(self, functions: list[str], rehearsal: str | None):
        pass
