"""The settings of a run: their table, presets, controls, drafts and links, files, and the run itself while it
trains."""
