"""What `pytest-ddd capture` is made of."""
