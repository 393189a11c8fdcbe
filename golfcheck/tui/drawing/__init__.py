"""Pure functions from data to what a widget draws; nothing in here is a widget."""
