"""A run: the dynamics, what is measured along them, the kernel path, and the result.

Needs JAX: `companion`, `descent`, `job`, `measure`, `path`, `runge_kutta`, `trajectory`, `walk`.
"""
