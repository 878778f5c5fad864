"""How much of a machine is used: processors, memory and file systems."""
