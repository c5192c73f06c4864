"""Perturbation theory of training: K_t = K_0 + Delta K_t, order by order (theory.md 4).

`job` computes a run or a study of many. Mathematics: `expansion` gives the orders, `propagator` the whole, `bounds`
what each order can leave, `prediction` Delta K from initialisation.

Needs JAX: `job`, `bounds`, `expansion`, `frame`, `prediction`, `propagator`.
"""
