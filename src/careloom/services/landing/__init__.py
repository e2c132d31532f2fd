"""From events and scans to landed rows: receive, process, scan, write, link, release what was held, publish what changed."""
