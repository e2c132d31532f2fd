"""CollaborateMD: the reports of its billing service, asked for, waited for and unpacked."""
