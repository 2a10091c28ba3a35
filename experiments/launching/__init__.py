"""One run: its options, how it resumes, how its batch is cut."""
