"""Change hosts: the only package that may, and only with a plan, a journal and a way back."""
