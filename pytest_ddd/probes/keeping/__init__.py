"""Keeping: on which days there are records, in files of a host and in databases."""
