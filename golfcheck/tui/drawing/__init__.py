"""Pure functions from data to what a widget draws."""
