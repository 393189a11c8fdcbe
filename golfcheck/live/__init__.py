"""A log that is still growing: its curve, its pace, and its state."""
