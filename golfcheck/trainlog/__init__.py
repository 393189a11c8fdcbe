"""Training logs of all dialects, read into the same typed facts, each with the line it stands on."""
