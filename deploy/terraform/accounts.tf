# Each part acts under its own account, which may do only what that part does. No account has a key file.

resource "google_service_account" "serve" {
  account_id   = "${var.name}-serve"
  display_name = "careloom: receives, lands, tells"
}

resource "google_service_account" "migrate" {
  account_id   = "${var.name}-migrate"
  display_name = "careloom: brings the database up to a release"
}

resource "google_service_account" "scheduler" {
  account_id   = "${var.name}-clock"
  display_name = "careloom: starts syncs; `service: callers` of careloom.yaml names it"
}

resource "google_secret_manager_secret_iam_member" "serve" {
  for_each  = google_secret_manager_secret.secret
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.serve.member
}

resource "google_secret_manager_secret_iam_member" "migrate" {
  secret_id = google_secret_manager_secret.owner.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.migrate.member
}

resource "google_pubsub_topic_iam_member" "serve" {
  topic  = google_pubsub_topic.changes.id
  role   = "roles/pubsub.publisher"
  member = google_service_account.serve.member
}

resource "google_cloud_run_v2_service_iam_member" "scheduler" {
  name     = google_cloud_run_v2_service.serve.name
  location = google_cloud_run_v2_service.serve.location
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}

# Vendors cannot show a Google token, so anyone may knock. The service itself checks each: webhooks by the vendor's signature
# or shared secret, /sync, /maintenance and /api by a Google OIDC token of the accounts that careloom.yaml names.
# Where an organisation policy forbids allUsers, put a load balancer in front and close `ingress`.
resource "google_cloud_run_v2_service_iam_member" "vendors" {
  name     = google_cloud_run_v2_service.serve.name
  location = google_cloud_run_v2_service.serve.location
  role     = "roles/run.invoker"
  member   = "allUsers"
}
