# Empty secrets: their values are added by hand (gcloud secrets versions add), never here, since the state would keep them.

locals {
  secrets = merge(var.secrets, { PGPASSWORD = "db-password" })
}

resource "google_secret_manager_secret" "secret" {
  for_each  = local.secrets
  secret_id = each.value

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

# The owner's password is for the migration alone: the service never sees it.
resource "google_secret_manager_secret" "owner" {
  secret_id = "db-owner-password"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}
