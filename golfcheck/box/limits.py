"""What a box may use before it is ended."""

from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class BoxLimits:
    """Limits of one box, enforced by the kernel or by a watchdog; seconds are of the wall clock."""

    resident_bytes: int = 4 * GIB  # of all its processes together; torch alone takes about 0.25 GiB
    # Of each process. Not limited on a GPU, whose driver reserves more than any machine has.
    address_space_bytes: int = 32 * GIB
    file_bytes: int = 64 << 20  # of one file that it writes
    scratch_bytes: int = 256 << 20  # of /tmp in the box
    open_files: int = 128
    processes: int = 4096  # and threads: the kernel's bound, which may count all that the user runs
    threads: int = 512  # of the box: the watchdog's bound
    load_seconds: float = 300.0
    call_seconds: float = 300.0
    total_seconds: float = 24 * 3600.0  # of all calls of a box together
    output_bytes: int = 64 << 10  # of what it prints, kept for error messages
    flood_bytes: int = 256 << 20  # of what it prints, after which it is ended
