"""Deep Cura's room: AI session notes that come by Gridhook, encrypted."""
