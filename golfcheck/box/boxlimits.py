"""The resource limits of a box; a box that exceeds one is killed."""

from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class BoxLimits:
    """Limits of one box, enforced by the kernel or by a watchdog; seconds are of the wall clock."""

    resident_bytes: int = 4 * GIB  # of all its processes together; torch alone takes about 0.25 GiB
    # Per process. Not limited on a GPU, whose driver reserves more address space than any machine has memory.
    address_space_bytes: int = 32 * GIB
    file_bytes: int = 64 << 20  # of each file that it writes
    scratch_bytes: int = 256 << 20  # of /tmp in the box
    open_files: int = 128
    processes: int = 4096  # including threads; enforced by the kernel, which may count all of the user's processes
    threads: int = 512  # of the whole box; enforced by the watchdog
    load_seconds: float = 300.0
    call_seconds: float = 300.0
    total_seconds: float = 24 * 3600.0  # of all calls together
    output_bytes: int = 64 << 10  # how much of its latest output is retained for error messages
    flood_bytes: int = 256 << 20  # how much output it may write in total
