"""The parts of the pages on function spaces: the job and the frame they share, and what each page says."""
