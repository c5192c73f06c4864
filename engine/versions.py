"""The version of the numbers that each kind of job gives: part of every key, and noted in every result.

Raise a kind's when the same config would give different numbers, and say in CHANGELOG.md which and why. The others keep
theirs, and with it their results. A kind without a row is at 0. A setting that a config gains later is left out of
its dump at the default (`Field(..., exclude_if=...)`), so that the keys of old results stay.
"""

VERSIONS = {
    "run": 6,
    "initial_sample": 6,
    "gram_spectrum": 6,
    "brute_force": 6,
    "first_step": 5,
    "drift_ensemble": 5,
    "perturbation": 6,
    "perturbation_study": 6,
    "cell": 7,
    "rkhs": 7,
    "recording": 1,
    "recording_spaces": 1,
    "recording_perturbation": 1,
    "calibration": 6,
}
