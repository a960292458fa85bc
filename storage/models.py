"""Which site this is."""

import uuid

from django.db import models


class Site(models.Model):
    """The only row says which site this database is of; a bucket remembers it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    only = models.BooleanField(default=True, unique=True, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(only=True), name="one_site")]

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def own(cls) -> "Site":
        """Return the row, made when it is first asked for."""
        return cls.objects.get_or_create(only=True)[0]
