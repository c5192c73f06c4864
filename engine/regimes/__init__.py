"""Regimes over depth and width: a sweep of ensembles, its labels, boundaries and collapse (theory.md 6).

`config` and `grid` say what is computed, `job` computes one cell. `result`, `boundaries`, `collapse` and `summary` read
what was computed; their thresholds change without computing anything again.

Needs JAX: `job`, `programs`.
"""
