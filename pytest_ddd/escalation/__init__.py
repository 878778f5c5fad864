"""Tell people when it matters: rules decide, channels deliver."""
