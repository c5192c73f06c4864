"""An uploaded table of numbers."""

from typing import Any, Literal

import numpy as np
from pydantic import ValidationInfo, field_validator, model_validator

from engine.data.csv_table import Table, parse
from engine.data.dataset import Count, Dataset, DatasetConfig, finished, repeated_points_note, standardised
from engine.data.stream import Stream
from engine.schema import ConfigError, Problem, did_you_mean


class CsvConfig(DatasetConfig):
    """Rows of a CSV text, shuffled with the seed; the first `test_size` of the shuffle are held out.

    Every input column gets mean 0 and standard deviation 1 over the training rows, so mean |x|^2 = n_0 there.

    Attributes:
        content: the text itself, header row first. It is part of the config, so a result names its data.
        target: name or names of the target columns; the last column when left out. The others are inputs.
        size: number of training rows; all that are not held out when left out.
        test_size: number of held-out rows; a quarter when left out.
    """

    name: Literal["csv"] = "csv"
    content: str
    target: tuple[str, ...] = ()
    size: Count = 2
    test_size: Count = 2

    @model_validator(mode="before")
    @classmethod
    def _write_out(cls, values: Any) -> Any:
        """Writes what was left out, so that equal data are equal configs."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        if isinstance(values.get("target"), str):
            values["target"] = (values["target"],)
        try:
            table = parse(values.get("content", ""))
        except (ValueError, TypeError, AttributeError):
            # The field's own validator words this; sizes left out must not add a second complaint.
            return {"size": 2, "test_size": 2} | {name: value for name, value in values.items() if value is not None}
        rows = len(table.values)
        if values.get("target") in (None, (), []):
            values["target"] = table.columns[-1:]
        if values.get("test_size") is None:
            values["test_size"] = max(2, rows // 4)
        if values.get("size") is None:
            held_out = values["test_size"]
            values["size"] = max(2, rows - held_out) if isinstance(held_out, int) else 2
        return values

    @field_validator("content")
    @classmethod
    def _a_table_with_enough_rows(cls, content: str, info: ValidationInfo) -> str:
        rows = len(parse(content).values)
        size, test_size = info.data.get("size"), info.data.get("test_size")
        if size and test_size and size + test_size > rows:
            raise ValueError(
                f"{rows} rows given, fewer than size {size} + test_size {test_size} = {size + test_size}: "
                "add rows, or lower size or test_size"
            )
        return content

    @field_validator("target")
    @classmethod
    def _columns_exist(cls, target: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "content" not in info.data:  # it has problems of its own
            return target
        columns = list(parse(info.data["content"]).columns)
        unknown = [name for name in target if name not in columns]
        if unknown:
            shown = ", ".join(columns[:20]) + (", ..." if len(columns) > 20 else "")
            raise ValueError(f"no column {unknown[0]!r}.{did_you_mean(unknown[0], columns)} Columns: {shown}")
        if len(set(target)) < len(target):
            raise ValueError(f"{', '.join(target)}: list each column once")
        if len(target) == len(columns):
            raise ValueError("all columns are targets: leave at least one as input")
        return target

    @property
    def table(self) -> Table:
        return parse(self.content)

    @property
    def input_columns(self) -> tuple[str, ...]:
        return tuple(name for name in self.table.columns if name not in self.target)

    @property
    def input_dim(self) -> int:
        return len(self.input_columns)

    @property
    def output_dim(self) -> int:
        return len(self.target)

    @property
    def domain(self) -> str:
        return f"R^{self.input_dim}, rows of a table"

    def dataset(self) -> Dataset:
        columns, values = self.table.columns, self.table.values
        order = Stream(self.seed, "shuffle").permutation(len(values))
        test, train = order[: self.test_size], order[self.test_size : self.test_size + self.size]
        inputs = values[:, [columns.index(name) for name in self.input_columns]]
        targets = values[:, [columns.index(name) for name in self.target]]
        constant = [
            name
            for name, varies in zip(self.input_columns, np.ptp(inputs[train], axis=0) > 0, strict=True)
            if not varies
        ]
        if constant:
            raise ConfigError(
                [
                    Problem(
                        "content",
                        f"column {name!r} is {inputs[train[0], self.input_columns.index(name)]:g} in all "
                        f"{self.size} training rows, so it cannot be "
                        "standardised: remove the column, or raise size or change seed",
                    )
                    for name in constant
                ]
            )
        x = standardised(inputs[train], inputs[test], per_coordinate=True)
        notes, natural = repeated_points_note(x[0]), float(np.abs(targets).max())
        return finished(self, x, (targets[train], targets[test]), notes, natural)
