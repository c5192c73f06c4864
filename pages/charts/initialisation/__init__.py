"""Charts of the kernel at initialisation: functions from data frames to Altair charts that stretch."""
