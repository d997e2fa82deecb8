"""The embedded engines: PostgreSQL, NATS and Valkey from wheels, each under our own supervisor."""
