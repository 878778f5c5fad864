"""Update whole hosts: with a way back that was tried before, and proof that they still work."""
