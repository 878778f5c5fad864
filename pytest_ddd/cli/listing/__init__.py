"""What `pytest-ddd inventory` is made of."""
