"""What the report says, before it has a form."""
