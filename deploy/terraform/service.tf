locals {
  # Without its password, which PostgreSQL's clients take from PGPASSWORD.
  database_url = join(" ", [
    "host=${var.database.host}",
    "dbname=${var.database.name}",
    "user=${var.database.user}",
    "sslmode=${var.database.sslmode}",
  ])
}

resource "google_cloud_run_v2_service" "serve" {
  name                = var.name
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = true

  template {
    service_account                  = google_service_account.serve.email
    timeout                          = "300s"
    max_instance_request_concurrency = 80
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      min_instance_count = var.instances.min
      max_instance_count = var.instances.max
    }

    vpc_access {
      connector = var.vpc_connector
      egress    = "PRIVATE_RANGES_ONLY"
    }

    containers {
      image = var.image
      args  = ["serve", "--work", "--host", "0.0.0.0"]

      resources {
        limits = {
          cpu    = "1"
          memory = var.memory
        }
        # The worker works between requests too.
        cpu_idle          = false
        startup_cpu_boost = true
      }

      ports {
        container_port = 8080
      }

      env {
        name  = "CARELOOM_DATABASE_URL"
        value = local.database_url
      }

      env {
        name  = "CARELOOM_LOG_LEVEL"
        value = "info"
      }

      env {
        name  = "CARELOOM_ACTOR"
        value = var.name
      }

      env {
        name  = "GOOGLE_CLOUD_PROJECT"
        value = var.project
      }

      dynamic "env" {
        for_each = local.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.secret[env.key].secret_id
              version = "latest"
            }
          }
        }
      }

      # Whether events can be kept, never whether they are worked at: a backlog must not keep an instance from starting.
      startup_probe {
        period_seconds    = 5
        failure_threshold = 24
        timeout_seconds   = 4
        http_get {
          path = "/ready"
        }
      }

      liveness_probe {
        period_seconds    = 30
        failure_threshold = 4
        timeout_seconds   = 10
        http_get {
          path = "/health"
        }
      }

      volume_mounts {
        name       = "spill"
        mount_path = "/project/.careloom"
      }
    }

    volumes {
      name = "spill"
      empty_dir {
        medium     = "MEMORY"
        size_limit = "256Mi"
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.serve]
}
