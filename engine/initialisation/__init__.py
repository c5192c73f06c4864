"""The kernel at initialisation: exact laws of deep ReLU networks (Hanin and Nica), and their honest references.

`spread` is that of K(x, x), exactly, `sampled_spread` where there is no law; `measured_beta` makes a beta of it.

Needs JAX: `job`, `brute_force`, `first_step`, `sampled_spread`.
"""
