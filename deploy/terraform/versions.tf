terraform {
  required_version = ">= 1.6"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.10, < 8.0"
    }
  }

  # The state holds no secret (their values are never set from here), but it names everything: keep it in a bucket of your own.
  # backend "gcs" { bucket = "…", prefix = "careloom" }
}

provider "google" {
  project = var.project
  region  = var.region
}
