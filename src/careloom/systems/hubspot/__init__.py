"""HubSpot's room: its client, its target and its simulator. No other folder of the package names it."""
