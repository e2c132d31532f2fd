"""DrChrono: patients, appointments, notes and charges of its practice-management system, read and heard of."""
