"""What mmlth and its command line both know, with the standard library alone: it loads at once."""
