import numpy as np

from cache.memory import RecentlyRead


def test_keeps_what_was_read_last_within_the_limit() -> None:
    recent = RecentlyRead(limit=250)
    for name in "abc":
        recent.put(name, {"x": np.zeros(10)})  # 80 bytes
    recent.get("a")
    recent.put("d", {"x": np.zeros(10)})
    assert [name for name in "abcd" if recent.get(name)] == ["a", "c", "d"]
    recent.put("huge", {"x": np.zeros(1000)})
    assert recent.get("huge") is None
