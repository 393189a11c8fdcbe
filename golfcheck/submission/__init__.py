"""Read submissions: the bytes of a folder become facts. No rule is applied here."""
