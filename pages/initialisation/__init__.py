"""What the four pages on the kernel at initialisation share: controls, exact curves, points, and their jobs."""
