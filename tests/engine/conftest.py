"""64-bit JAX, before anything is traced."""

import jax

jax.config.update("jax_enable_x64", True)
# Tests compile many small programs and run each once: compiling is where their time goes.
jax.config.update("jax_disable_most_optimizations", True)
