"""A whole fleet, read by this plugin and by what it can be compared with, in one run."""
