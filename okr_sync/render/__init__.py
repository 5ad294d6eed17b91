"""Report rows → text, Markdown, HTML, CSV, JSON."""
