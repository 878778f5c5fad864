"""What a run leaves behind: the record, and the report that is derived from it."""
