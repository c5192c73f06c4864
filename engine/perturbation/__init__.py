"""Perturbation theory of training: K_t = K_0 + Delta K_t, order by order (theory.md 4).

`config`, `cost`, `result` and `law` import no JAX; `job` computes a run or a study of many. Mathematics: `expansion`
(flow) and `discrete` (gradient descent) give the orders, `propagator` the whole, `bounds` what each order can leave,
`prediction` Delta K from initialisation.
"""
