"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import checks, personal_data, services  # noqa: F401  (checks registers itself)
        from accounts.audit import services as audit
        from accounts.security import services as security
        from config.serving import warming

        warming.register(services.find_no_token)
        personal_data.register("account", services.export_account, services.erase_account)
        personal_data.register("security", security.export_security, security.erase_security)
        personal_data.register("audit", audit.export_entries, audit.forget_person)
