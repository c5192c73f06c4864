"""A run: the dynamics, what is measured along them, the kernel path, and the result.

Without JAX: `diagnostics`, `result`, `seeds`.
"""
