"""The parts of the Perturbation page: one run (`one_run`), studies (`studies`), and what they say (`words`)."""
