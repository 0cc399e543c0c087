"""How ranks wait for each other (include/waiting.h), by the cores that there are."""

from fastsgd._cores import count_cores

YIELD_SECONDS = 200e-6
"""How long a rank that waits yields its core before it sleeps: waking up takes that long."""

LEAST_LOOKS, MOST_LOOKS = 16, 1024
"""Looks at a counter before a rank yields its core, 27 ns each. Measured, a barrier of four ranks
on two cores: 10 us with 16 looks, 20 with 64, 220 with 1,024; of two ranks: 4 us with 16 looks,
0.13 with 256 and more."""


def most_looks(world_size):
    """How often a rank may look before it yields, if looking has proved good."""
    return MOST_LOOKS if world_size <= count_cores() else LEAST_LOOKS
