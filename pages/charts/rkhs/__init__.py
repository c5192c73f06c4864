"""Charts of the path of RKHSs: over time (`over_time`), over training sizes, over nested grids, and in motion."""
