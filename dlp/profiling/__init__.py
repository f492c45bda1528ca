"""Where the time of a network goes: each kernel beside what the machine could do, and its memory over time."""
