"""What the simulators of all rooms are made of: a server, an application with control endpoints, and a process around it."""
