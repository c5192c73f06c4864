"""The path of reproducing kernel Hilbert spaces: H_t, of the kernel K_t, against H_0 (theory.md 5).

`job` follows every seed by its `stored` parameters, at the points that `points` says. Mathematics: `gram` says what of
a kernel matrix can be inverted, flags every number that needs it, and gives norms and inclusions; `comparison` compares
spaces, also as points grow; `bias` describes a spectrum; `regression` generalises; `motion` says when the kernel has
stopped; `fourier` sees the circle by frequency.

Needs JAX: `job`, `stored`.
"""
