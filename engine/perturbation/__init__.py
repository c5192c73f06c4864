"""Perturbation theory of training: K_t = K_0 + Delta K_t, order by order (theory.md 4).

`requests`, `cost`, `result`, `study_result` and `law` import no JAX. Numerics: `expansion` (flow) and `discrete`
(gradient descent) give the orders, `propagator` the whole, `bounds` what each order can leave, `prediction` Delta K
from initialisation; `augmented` and `coupling` are independent closed forms. Jobs: `job`, `study`.
"""
