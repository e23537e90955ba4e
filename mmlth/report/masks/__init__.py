"""What many masks are like, as tables, CSV and pictures."""
