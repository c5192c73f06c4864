"""Regimes over depth and width: a sweep of ensembles, its labels, boundaries and collapse (theory.md 6).

`requests` and `grid` say what is computed, `cell` computes one cell (the only module here that imports JAX), `spread`
gives the spread at initialisation anywhere on the plane. `runs`, `labels`, `boundaries`, `collapse` and `summary` read
what was computed; their thresholds change without computing anything again.
"""
