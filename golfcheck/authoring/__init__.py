"""Writing submissions: a new record folder, and edits of submission.json."""
