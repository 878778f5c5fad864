"""The routine work: what is done, in which order, in how much time."""
