"""Capture: find out what is there, in the words in which a baseline would say it."""
