"""Login search: find who logged in to a host, in its logs and in wtmp and btmp."""
