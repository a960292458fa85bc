"""Long work: one state machine in the database, Celery to carry it, a sweeper to repair it."""
