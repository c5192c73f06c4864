"""Networks: parameters, activations, the empirical kernel, infinite width, and what floating point resolves.

Needs JAX: `mlp`, `kernel`, `precision`.
"""
