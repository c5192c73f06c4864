"""The engine on a device: is it right there, how fast, and what fits. `python -m benchmarks.device --help`."""
