"""64-bit JAX, before anything is traced."""

import jax

jax.config.update("jax_enable_x64", True)
