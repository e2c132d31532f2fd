"""Change events to a JetStream stream of NATS."""
