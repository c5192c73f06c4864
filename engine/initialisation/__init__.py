"""The kernel at initialisation: exact laws of deep ReLU networks (Hanin and Nica), and their honest references.

Needs JAX: `job`, `brute_force`, `first_step`.
"""
