"""Where queues are: RabbitMQ, Redis, databases, and what a command tells."""
