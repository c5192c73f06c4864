"""The kernel at initialisation: exact laws of deep ReLU networks (Hanin and Nica), and their honest references.

`law`, `moments`, `sampler`, `gram`, `summary` and `job` import no JAX; `network_job`, `brute_force`,
`first_step` and `drift_ensemble` differentiate real networks and import it.
"""
