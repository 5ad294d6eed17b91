"""The central OKR store: SQLModel tables, migrations, queries."""
