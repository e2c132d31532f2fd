# gcloud run jobs execute NAME-migrate --region REGION --wait, before each new release of the service.

resource "google_cloud_run_v2_job" "migrate" {
  name                = "${var.name}-migrate"
  location            = var.region
  deletion_protection = false

  template {
    task_count = 1

    template {
      service_account = google_service_account.migrate.email
      timeout         = "900s"
      # It is one transaction under a lock: a second attempt finds either nothing done or nothing to do.
      max_retries = 1

      vpc_access {
        connector = var.vpc_connector
        egress    = "PRIVATE_RANGES_ONLY"
      }

      containers {
        image = var.image
        args  = ["migrate", "--roles"]

        resources {
          limits = {
            cpu    = "1"
            memory = "512Mi"
          }
        }

        env {
          name  = "CARELOOM_DATABASE_URL"
          value = replace(local.database_url, "user=${var.database.user}", "user=${var.database.owner}")
        }

        env {
          name = "PGPASSWORD"
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.owner.secret_id
              version = "latest"
            }
          }
        }
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.migrate]
}
