"""The entry point of the web processes: `granian --interface asginl config.asgi:application`."""

from config.wsgi import application as django  # sets Django up, which what follows stands on

from config.serving import warming  # isort: skip
from config.serving.site import Site  # isort: skip

application = Site(django)
warming.start()
