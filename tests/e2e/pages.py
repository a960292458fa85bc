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
    "searches-saved": "/searches/saved/",
    "searches-delete": "/searches/delete/",
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
    "job": "/jobs/1/",
    "dataset-import": "/lab/import/",
    "experiment-new": "/lab/experiments/new/",
    "experiment": "/lab/experiments/1/",
    "report": "/lab/experiments/1/report/",
    "audit": "/lab/audit/",
    "people": "/lab/people/",
    "person": "/lab/people/1/",
    "invite": "/lab/people/invite/",
    "model-new": "/lab/models/new/",
    "model": "/lab/models/1/",
}
"""What an admin sees, who sees all there is."""

NO_PAGES = {
    # what a button does, files, parts of pages, and what only a mail's link, a code or a second factor opens
    "account_confirm_email", "account_confirm_login_code", "account_inactive", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "account_set_password", "audit_export", "ballot-query", "cancel_job",
    "change_role", "dataset-public", "deactivate_person", "delete_account", "download-model", "download-ratings",
    "download-report", "experiment-runs", "experiment-tunings", "export_my_data", "index-activate", "index-build",
    "job_status", "leaderboard-agreement", "leaderboard-file", "leaderboard-rows", "mfa_activate_totp",
    "mfa_authenticate", "mfa_deactivate_totp", "mfa_download_recovery_codes", "mfa_generate_recovery_codes",
    "mfa_index", "mfa_reauthenticate", "mfa_view_recovery_codes", "model-publish", "my-mark-remove", "picture",
    "reactivate_person", "relevance", "remove_second_factor", "report-file", "report-make", "report-status",
    "resend_invitation", "retry_job", "revoke_token", "search-answers", "search-delete", "search-picture",
    "search-save", "search-share", "search-unsave", "shared-picture", "shared-query", "thumbnail", "withdraw",
}  # fmt: skip
