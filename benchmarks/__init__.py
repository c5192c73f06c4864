"""Measurements, as ratios against a peer or a floor in one run. Numbers are kept in RESULTS.md."""
