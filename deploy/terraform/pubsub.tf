# Change events: ids only, at least once, in order for each record.

data "google_project" "this" {
  project_id = var.project
}

locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic" "changes" {
  name                       = var.topic
  message_retention_duration = "604800s"

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_topic" "dead" {
  name                       = "${var.topic}-dead-letter"
  message_retention_duration = "2592000s"

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_subscription" "changes" {
  name                         = "${var.topic}-consumer"
  topic                        = google_pubsub_topic.changes.id
  enable_message_ordering      = true
  ack_deadline_seconds         = 60
  message_retention_duration   = "604800s"
  enable_exactly_once_delivery = false

  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 10
  }
}

# Without a subscription a dead letter is gone.
resource "google_pubsub_subscription" "dead" {
  name                       = "${var.topic}-dead-letter"
  topic                      = google_pubsub_topic.dead.id
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself moves dead letters.
resource "google_pubsub_topic_iam_member" "dead" {
  topic  = google_pubsub_topic.dead.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead" {
  subscription = google_pubsub_subscription.changes.id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "consumers" {
  for_each     = var.consumers
  subscription = google_pubsub_subscription.changes.id
  role         = "roles/pubsub.subscriber"
  member       = each.value
}
