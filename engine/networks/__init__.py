"""Networks: parameters, activations, the empirical kernel, infinite width, and what floating point resolves.

JAX: `mlp`, `kernel`, `precision`.
"""
