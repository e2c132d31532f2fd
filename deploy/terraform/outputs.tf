output "url" {
  description = "The service's address. Webhooks come to URL/webhooks/SYSTEM."
  value       = google_cloud_run_v2_service.serve.uri
}

output "caller" {
  description = "Who starts syncs: goes into `service: {callers: [...]}` of careloom.yaml before the image is built."
  value       = google_service_account.scheduler.email
}

output "service_account" {
  description = "The account that the service acts under."
  value       = google_service_account.serve.email
}

output "topic" {
  description = "The topic of change events."
  value       = google_pubsub_topic.changes.id
}

output "secrets" {
  description = "The secrets that want a value before the first start."
  value       = sort(concat([google_secret_manager_secret.owner.secret_id], [for one in google_secret_manager_secret.secret : one.secret_id]))
}
