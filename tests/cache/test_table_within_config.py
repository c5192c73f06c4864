"""A result of the time when the text of a table stood in its config is found, and read, under its key."""

import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from cache import Store
from engine import jobs
from engine.config import RunConfig
from engine.data import contents, generate
from engine.training.result import RunResult

# Written by the commit before tables had files.
ARCHIVE = Path(__file__).parents[1] / "data" / "table-in-config.tar.gz"
KEY = "c9264cee801bcd0ed63e8e42e83659fbef400b9194bcf3a45535a1e0da5b5172"


def test_an_older_result_on_a_table_is_found_and_read(tmp_path: Path) -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "store", filter="data")
    with closing(Store(tmp_path / "store", 100_000_000)) as store:
        record, arrays = store.index.get(KEY), store.get(KEY)
    assert record is not None
    assert arrays is not None
    config = RunConfig.from_dict(dict(record.values))
    assert jobs.key_of("run", config.canonical(), version=6) == KEY
    assert contents.named_in(record.values) == {}
    result = RunResult.from_arrays(dict(arrays))
    assert result.config == config
    assert result.summary["drift"] == [pytest.approx(0.29508866071871587, rel=1e-12)]
    assert generate(config.data).class_names == ("ash", "oak")
