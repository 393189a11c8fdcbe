"""`python -m golfcheck`, and the entry point of `torchrun -m golfcheck`."""

from golfcheck.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
