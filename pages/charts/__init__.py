"""Charts: `..._table` makes the rows to draw, mostly from a result: a `theme.Table` (a data frame, and what it leaves
out), or the frame alone where nothing is left out. `..._chart` and `..._panel` go from there to Altair. Panels that
move become one chart in `animated`.
"""
