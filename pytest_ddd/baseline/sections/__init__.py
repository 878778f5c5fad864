"""One module for each baseline file; the module and the file share their name."""
