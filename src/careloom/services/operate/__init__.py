"""What runs a project: doctor, connect, migrate, scheduler, retention, alerts, the simulated project and the demo."""
