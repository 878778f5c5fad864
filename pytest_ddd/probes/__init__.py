"""Looking without touching: each probe reads one thing and judges nothing."""
