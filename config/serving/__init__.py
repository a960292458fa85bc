"""Between the server and Django: bodies are taken in before a thread is spent on their request.

A server that hands requests to threads lets whoever sends slowly keep a thread; eight such senders stop a site of
eight threads. Here a body arrives in the event loop, within a time that depends on its size, and only then one of
`WEB_THREADS` threads answers. Bodies larger than a picture are read while they are parsed, by threads of their own.

- `site`: the ASGI application; config.asgi makes one.
- `arrival`: a body on its way, cut when it takes too long.
- `answering`: a WSGI application called in a thread, its answer sent piece by piece.
- `warming`: what is loaded when a web process starts, before it answers.
- `environ`: what WSGI calls the environment, from what ASGI calls the scope.
"""
