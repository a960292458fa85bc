"""The entry point of an encoder, which `manage.py encoder` starts."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "config.encoder_settings"  # `manage.py` has set the site's

from config.wsgi import application as django  # noqa: E402  (it sets Django up)

from config.processes import started  # noqa: E402  # isort: skip
from config.serving import warming  # noqa: E402  # isort: skip
from config.serving.site import Site  # noqa: E402  # isort: skip

application = Site(django)
started.send(sender="encoder", queues=[])
warming.start("encoder")
