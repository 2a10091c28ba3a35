"""What the rows of several tables share."""
