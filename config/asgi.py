"""The entry point of the web processes: `granian --interface asginl config.asgi:application`."""

from config import metric_files

metric_files.share()  # before anything is counted

from config.wsgi import application as django  # noqa: E402  # sets Django up, which what follows stands on

from config.processes import started  # noqa: E402  # isort: skip
from config.serving import warming  # noqa: E402  # isort: skip
from config.serving.site import Site  # noqa: E402  # isort: skip

application = Site(django)
started.send(sender="web", queues=[])
warming.start("web")
