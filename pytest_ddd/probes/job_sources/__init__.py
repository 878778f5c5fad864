"""Where jobs leave their results: systemd, files, logs, databases, JSON."""
