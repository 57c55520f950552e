"""Statistics and reports for the office and the leads."""
