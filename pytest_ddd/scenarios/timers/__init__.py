"""Schedules in the languages of those that really keep time: systemd, cron, Kubernetes, GitHub."""
