"""Security scanners; each module runs one and says the same kind of thing of what it found."""
