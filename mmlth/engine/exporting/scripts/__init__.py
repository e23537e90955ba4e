"""Scripts that run in processes of their own, without mmlth: each is started by its path."""
