"""HTTP with the portal: requests, retries, rate limits, and what its answers and errors mean."""
