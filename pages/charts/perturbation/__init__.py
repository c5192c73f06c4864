"""Charts of K_t = K_0 + Delta K_t: over time (`over_time`), by mode (`modes`), in motion (`scrubbed`), over networks
(`study`)."""
