"""The words of the house: records, ports, rooms, schemas, errors, classes of personal data. It imports nothing of it."""
