"""Reading what was submitted: the bytes of a folder become facts. No rule is applied here."""
