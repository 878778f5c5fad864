"""Real services on loopback, each a child process stopped by its pid."""
