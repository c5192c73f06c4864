"""A run: the dynamics, what is measured along them, the kernel path, and the result.

Needs JAX: `descent`, `job`, `measure`, `path`, `trajectory`, `walk`.
"""
