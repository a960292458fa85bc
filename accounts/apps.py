"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import checks, personal_data, services  # noqa: F401  (checks registers itself)

        personal_data.register("account", services.export_account, services.erase_account)
