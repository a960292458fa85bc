"""Confirmed addresses for the accounts that an operator made: until now nothing asked for that.

Those are the accounts without any address of their own in allauth's table, which every sign-up fills, and the admins.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def confirm(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    user_model, address_model = apps.get_model("accounts", "User"), apps.get_model("account", "EmailAddress")
    invited = "!"  # how an unusable password begins: the link that was sent confirms the address
    for user in user_model.objects.exclude(password__startswith=invited):
        email, addresses = user.email.lower(), address_model.objects.filter(user=user)
        if address_model.objects.filter(email=email, verified=True).exists():
            continue
        if user.is_superuser or not addresses.exists():
            addresses.exclude(email=email).update(primary=False)
            address_model.objects.update_or_create(
                user=user, email=email, defaults={"verified": True, "primary": True}
            )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit_trail"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]
    operations = [migrations.RunPython(confirm, migrations.RunPython.noop)]
