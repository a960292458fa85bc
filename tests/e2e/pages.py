"""Every page of the site, by the name of its address; and which names are no pages."""

VISITORS_PAGES = {
    "account_login": "/accounts/login/",
    "account_signup": "/accounts/signup/",
    "account_reset_password": "/accounts/password/reset/",
    "account_reset_password_done": "/accounts/password/reset/done/",
    "account_email_verification_sent": "/accounts/confirm-email/",
    "shared": "{shared}",
}
"""What who has not signed in sees; where a signed-in one sees the same page, or another, it stands below too."""

PAGES = {
    "search": "/",
    "search-detail": "{search}",
    "searches": "/searches/",
    "rate": "/rate/",
    "rated": "{rated}",
    "leaderboard": "/leaderboard/",
    "datasets": "/datasets/",
    "dataset": "/datasets/wings/",
    "downloads": "/downloads/",
    "my-marks": "/me/ratings/",
    "my-votes": "/me/ratings/votes/",
    "tokens": "/me/tokens/",
    "my_data": "/me/data/",
    "security": "/me/security/",
    "usersessions_list": "/accounts/sessions/",
    "account_reauthenticate": "/accounts/reauthenticate/",
    "account_email": "/accounts/email/",
    "account_change_password": "/accounts/password/change/",
    "account_logout": "/accounts/logout/",
    "lab": "/lab/",
    "jobs": "/lab/jobs/",
    "audit": "/lab/audit/",
    "job": "/jobs/1/",
    "dataset-import": "/lab/import/",
    "experiment-new": "/lab/experiments/new/",
    "experiment": "/lab/experiments/1/",
    "report": "/lab/experiments/1/report/",
    "audit": "/lab/audit/",
    "model-new": "/lab/models/new/",
    "model": "/lab/models/1/",
}
"""What an admin sees, who sees all there is."""

NO_PAGES = {
    # only by a link of a mail, with a code, or after signing in some other way
    "account_inactive", "account_set_password", "account_confirm_login_code",
    "account_confirm_email", "account_reset_password_from_key_done", "account_reset_password_from_key",
    # only with a second factor or on the way to one: tests/e2e/test_accounts.py looks at these
    "mfa_index", "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp",
    "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes",
    # what a button does
    "revoke_token", "delete_account", "cancel_job", "retry_job", "search-share", "search-delete", "dataset-public",
    "report-make", "model-publish", "index-build", "index-activate", "relevance", "my-mark-remove",
    "withdraw",
    # files, and parts of pages
    "export_my_data", "audit_export", "job_status", "search-picture", "shared-query", "shared-picture", "picture", "thumbnail",
    "experiment-runs", "experiment-tunings", "report-status", "report-file", "ballot-query", "leaderboard-rows",
    "leaderboard-agreement", "leaderboard-file",
    "download-model", "download-report", "download-ratings",
}  # fmt: skip
