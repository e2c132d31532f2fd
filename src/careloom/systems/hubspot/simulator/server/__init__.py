"""The simulated portal over HTTP: its process, its routes, its access checks and its control endpoints."""
