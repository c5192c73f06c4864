"""Tables as people type them, and the data that they give."""

import pytest

from engine.data import DataConfig, generate
from engine.schema import Config, ConfigError

ROWS = (
    (5.09, 8.6, -3.51), (2.15, 8.59, -6.44), (3.49, 4.39, -0.9), (7.62, 4.27, 3.35), (5.4, 1.22, 4.18),
    (7.03, 5.31, 1.72), (3.64, 7.31, -3.67), (3.43, 4.63, -1.2), (2.07, 4.22, -2.15), (2.63, 3.1, -0.47),
    (7.0, 3.24, 3.76), (4.88, 8.85, -3.97), (8.69, 6.8, 1.89), (5.33, 3.22, 2.11), (2.29, 8.76, -6.47),
    (5.13, 1.93, 3.2),
)  # fmt: skip
X1, X2, Y = (list(column) for column in zip(*ROWS, strict=True))


class Holder(Config):
    data: DataConfig


def config(content, **values):
    return Holder.from_dict({"data": {"name": "csv", "content": content, **values}}).data


def text(header="x1,x2,y", row="{},{},{}", rows=ROWS, write=str):
    return "\n".join([header, *(row.format(*map(write, cells)) for cells in rows)]) + "\n"


def with_comma(value):
    return str(value).replace(".", ",")


def refused(content, field="data.content", **values):
    with pytest.raises(ConfigError) as caught:
        generate(config(content, **values))
    return {problem.field: problem.message for problem in caught.value.problems}[field]
