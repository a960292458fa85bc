"""The entry point of the web processes: `granian --interface asginl config.asgi:application`."""

from config.wsgi import application as django  # sets Django up, which what follows stands on

from config.processes import started  # isort: skip
from config.serving import warming  # isort: skip
from config.serving.site import Site  # isort: skip

application = Site(django)
started.send(sender="web", queues=[])
warming.start("web")
