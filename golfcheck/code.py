"""Source files that a script reaches, static unwrapping of packed ones, and the byte accountings. Executes nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One source file: its bytes as shipped, and the text inside when it unpacks itself."""

    path: str
    text: bytes
    main: bool
    wrapper: str | None  # "lzma+base85" when it unpacks itself
    unwrapped: bytes | None
