"""Python source as data: parsed, followed and unpacked, never executed."""
