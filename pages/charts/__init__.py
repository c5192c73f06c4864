"""Charts: `..._table` goes from a result to a `theme.Table` (a data frame, and what it leaves out), `..._chart` and
`..._panel` from a data frame to Altair. Panels that move become one chart in `animated`.
"""
