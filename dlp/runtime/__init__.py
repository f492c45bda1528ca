"""What runs a compiled module: its library, and the memory that it works in. Needs NumPy, not torch."""

from dlp.runtime.arena import Arena, ArenaPool
from dlp.runtime.library import Library, pack_pointers
from dlp.runtime.memory import address_of, aligned_empty

__all__ = ["Arena", "ArenaPool", "Library", "address_of", "aligned_empty", "pack_pointers"]
