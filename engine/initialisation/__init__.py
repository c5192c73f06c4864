"""The kernel at initialisation: exact laws of deep ReLU networks (Hanin and Nica), and their honest references.

Only `brute_force`, `first_step` and `drift_ensemble`, which differentiate real networks, import JAX.
"""
