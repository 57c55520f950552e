"""What was done, in a chain that shows if anything in it was changed."""
