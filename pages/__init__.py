"""Shows. Asks the cache; never imports JAX."""
