"""The engine: neural tangent kernels of finite networks, as pure functions of frozen configs and keys.

Importing `engine` imports no JAX. Modules that only describe (`schema`, `config`, `data`, `results`)
stay free of it, so a web process may use them; modules that compute (`network`, `kernel`,
`training`) import it and run in workers, tests and scripts.
"""
