"""Background jobs: a state machine in the database, Celery as transport, a sweeper that repairs."""
