"""Change events to a topic of Google Cloud Pub/Sub."""
