"""Bar charts as numbers, as SVG, and as one HTML page. They know no store and no project."""
