variable "project" {
  description = "The Google Cloud project's id."
  type        = string
}

variable "region" {
  description = "Where everything runs and where change events are kept."
  type        = string
  default     = "us-west1"
}

variable "name" {
  description = "What the service and everything around it is called."
  type        = string
  default     = "drchrono-sync"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "Use 3 to 20 small letters, digits and hyphens: the names of service accounts are made from it."
  }
}

variable "image" {
  description = "The container image with its digest: REGION-docker.pkg.dev/PROJECT/REPOSITORY/careloom@sha256:…"
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by its digest (…@sha256:…): a tag may be another image tomorrow."
  }
}

variable "vpc_connector" {
  description = "The Serverless VPC Access connector that reaches the database."
  type        = string
}

variable "database" {
  description = "Where PostgreSQL answers. `owner` migrates (secret db-owner-password); `user`, a member of careloom_worker, works (db-password)."
  type = object({
    host    = string
    name    = optional(string, "clinical")
    owner   = optional(string, "careloom_owner")
    user    = optional(string, "careloom_work")
    sslmode = optional(string, "require")
  })
}

variable "secrets" {
  description = "Environment variables of the service, and the secrets in Secret Manager that hold their values."
  type        = map(string)
  default = {
    CARELOOM_SEAL_KEY       = "careloom-seal-key"
    DRCHRONO_CLIENT_ID      = "drchrono-client-id"
    DRCHRONO_CLIENT_SECRET  = "drchrono-client-secret"
    DRCHRONO_WEBHOOK_SECRET = "drchrono-webhook-secret"
    DEEPCURA_SHARED_SECRET  = "deepcura-shared-secret"
  }
}

variable "topic" {
  description = "The topic that change events are told to; the same as `topic:` of the project's pubsub system."
  type        = string
  default     = "change-events"
}

variable "instances" {
  description = "At least one instance stays up, since the worker lives in it."
  type = object({
    min = optional(number, 1)
    max = optional(number, 5)
  })
  default = {}

  validation {
    condition     = var.instances.min >= 1
    error_message = "With no instance nothing works: schedules and events would wait for the next request."
  }
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
  default     = "1Gi"
}

variable "timezone" {
  description = "The zone of the calls below: the project's."
  type        = string
  default     = "America/New_York"
}

# The worker keeps the schedules of streams/*.yaml by itself. These calls come from outside: a net under it.
variable "calls" {
  description = "What Cloud Scheduler asks for, by its own names: a path of the service, and a time in cron's form."
  type        = map(object({ path = string, schedule = string }))
  default = {
    patients       = { path = "/sync/patients", schedule = "5 */6 * * *" }
    appointments   = { path = "/sync/appointments", schedule = "15 */6 * * *" }
    clinical-notes = { path = "/sync/clinical-notes", schedule = "25 */6 * * *" }
    medications    = { path = "/sync/medications", schedule = "35 4 * * *" }
    problems       = { path = "/sync/problems", schedule = "45 4 * * *" }
    all            = { path = "/sync/all", schedule = "30 5 * * *" }
    cleanup        = { path = "/maintenance/cleanup", schedule = "30 3 * * *" }
  }

  validation {
    condition     = alltrue([for call in values(var.calls) : can(regex("^/(sync|maintenance)/[a-z-]+$", call.path))])
    error_message = "Only /sync/… and /maintenance/… are for the scheduler."
  }
}

variable "consumers" {
  description = "Who may read the subscription of change events: members such as serviceAccount:deals@PROJECT.iam.gserviceaccount.com"
  type        = set(string)
  default     = []
}
