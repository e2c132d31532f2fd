"""Who is who: which record of a destination a source row already is."""
