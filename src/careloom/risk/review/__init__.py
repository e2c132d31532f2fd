"""What follows from the scores: gaps, and comparisons with CMS's reports, hccinfhir and other systems."""
