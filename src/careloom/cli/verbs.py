"""What the commands are called, what each does, and how it is used: known without loading any of them."""

from __future__ import annotations

COMMANDS = {
    "init": "Copy a blueprint into a new project folder.",
    "check": "Read the whole project and say everything that is wrong with it.",
    "doctor": "Say what is missing: token, scopes, properties, database, secrets.",
    "plan": "Show what a run would do, in exact numbers; nothing is written.",
    "apply": "Do what the last plan says, and only that.",
    "run": "Plan and apply in one go, for schedulers.",
    "serve": "Receive webhooks and answer the scheduler; with --work, do the work too.",
    "land": "Read streams from their systems into their tables: what changed, or all of it.",
    "reconcile": "Compare landed tables with their systems, and repair what differs.",
    "work": "Do the project's jobs: land what comes in, keep schedules, tell of changes.",
    "connect": "Let careloom into a system, once; the token is kept sealed.",
    "review": "List and settle what a machine must not decide.",
    "held": "List the records that were stopped, with their reasons.",
    "retry": "Offer refused records again at the next run.",
    "explain": "Say why a record is linked, and where each of its values came from.",
    "history": "Say who changed what of a landed record, and when.",
    "replay": "Land what stored events say, again; others hear nothing of it unless asked.",
    "reports": "Say how far each report of each account is, and since when its rows are shown.",
    "models": "Let dbt build and test the project's models.",
    "exec": "Run a command of your own (dbt, psql, a script) beside the project's database.",
    "report": "Show a page of the project's charts, here or as HTML.",
    "risk": "Score people's risk by CMS-HCC, explain and check the scores, find gaps.",
    "cleanup": "Remove what the project's rules of retention keep no longer.",
    "runs": "List what was run, and how it ended.",
    "sim": "Serve a vendor's simulator on this machine.",
    "demo": "Show the whole thing on invented people, in an empty folder.",
    "migrate": "Bring the database up to this release.",
    "schema": "Print the JSON Schema of the project language, for editors.",
    "docs": "Print a page of the documentation that ships with this release.",
}
"""Each command and what it does; its module is `careloom.cli.NAME`, loaded only when it is called."""

GROUPS = {
    "Begin": ("init", "check", "doctor", "schema", "docs", "demo", "sim"),
    "Keep a system equal to a source": ("plan", "apply", "run", "review", "held", "retry", "explain"),
    "Land a system's records": ("connect", "serve", "work", "land", "reconcile", "history", "replay"),
    "Reports and models": ("reports", "models", "exec", "report"),
    "Risk": ("risk",),
    "Operate": ("runs", "cleanup", "migrate"),
}
"""The commands by what a person wants, in the order of `careloom --help`."""

EXAMPLES = {
    "init": "careloom init csv my-clinic --from patients.csv",
    "check": "careloom check -p my-clinic",
    "doctor": "careloom doctor",
    "plan": "careloom plan patients --examples 5",
    "apply": "careloom apply patients",
    "run": "careloom run --due",
    "serve": "careloom serve --work --port 8080",
    "land": "careloom land patients --full",
    "reconcile": "careloom reconcile patients",
    "work": "careloom work --concurrency 8",
    "connect": "careloom connect ehr",
    "review": 'careloom review patients P2 --link 30002 --why "same mail on the form"',
    "held": "careloom held patients --list",
    "retry": "careloom retry patients --code INVALID_EMAIL",
    "explain": "careloom explain P2 --sync patients",
    "history": "careloom history patients 123",
    "replay": "careloom replay ehr --since 2026-01-31 --dry-run",
    "reports": "careloom reports ar_aging --csv ar.csv",
    "models": "careloom models build --select ar_aging_view+",
    "exec": "careloom exec --schema dev_anna -- dbt build",
    "report": "careloom report receivables --html receivables.html",
    "risk": "careloom risk explain P1 --people people.csv --diagnoses diagnoses.csv --year 2026",
    "cleanup": "careloom cleanup --dry-run",
    "runs": "careloom runs --limit 5",
    "sim": "careloom sim KIND --port 8901",
    "demo": "careloom demo careloom-demo",
    "migrate": "careloom migrate --check",
    "schema": "careloom schema --out schemas",
    "docs": "careloom docs tutorial",
}
"""One command line for each command, as `--help` shows it."""
