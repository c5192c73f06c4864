"""What pages show of results: figures, and beside them the sentences computed from them (`..._words`)."""
