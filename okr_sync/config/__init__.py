"""Config files → a book and its sources, or every mistake at once."""
