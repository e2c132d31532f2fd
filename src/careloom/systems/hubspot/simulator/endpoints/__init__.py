"""The simulated portal's API, one module for each part of it; `server.routes` says which path leads where."""
