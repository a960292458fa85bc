"""Notices: what people are told about work of theirs that has ended, on the site and by mail."""

import logging
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from jobs import registry
from jobs.models import Job, Notice
from jobs.registry import NoticeDraft

logger = logging.getLogger(__name__)

LONG = timedelta(minutes=1)
KEEP = timedelta(days=90)


def hear(job: Job) -> None:
    """Tell a job's owner that the work has ended: an end listener. One work gives one notice."""
    who = User.objects.filter(pk=job.asked_by_id, is_active=True).first() if job.asked_by_id else None
    kind = registry.KINDS.get(job.kind)
    draft = (kind.notice or of_long_job)(job) if who is not None and kind is not None else None
    if who is None or draft is None:
        return
    values = {
        "outcome": Notice.Outcome.SUCCEEDED if draft.succeeded else Notice.Outcome.FAILED,
        "title": draft.title[:300],
        "detail": draft.detail,
        "url": draft.url,
    }
    notice, is_new = Notice.objects.get_or_create(who=who, key=draft.key[:200], defaults=values)
    if is_new and who.notices_origin:
        _mail(notice, who)


def of_long_job(job: Job) -> NoticeDraft | None:
    """Return the notice about a job of its own, if it took long."""
    is_long = job.started_at and job.finished_at and job.finished_at - job.started_at >= LONG
    return of_job(job) if is_long else None


def of_job(job: Job, *, title: str = "", url: str = "") -> NoticeDraft:
    """Return the notice about one job. url: of its result, shown where it has succeeded."""
    succeeded = job.state == Job.State.SUCCEEDED
    what = title or registry.KINDS[job.kind].title
    page = url if succeeded and url else reverse("job", args=[job.pk])
    return NoticeDraft(
        key=f"job:{job.pk}:{job.attempt}",
        succeeded=succeeded,
        title=f"{what} {'finished' if succeeded else 'failed'}",
        url=page,
        detail=job.message if succeeded else job.error,
    )


def never(job: Job) -> None:
    """Return no notice: of work that somebody waits for on a page."""


def _mail(notice: Notice, who: User) -> None:
    text = f"{notice.title}.\n{notice.detail}\n\n{who.notices_origin}{notice.url}\n\n"
    text += f"To get no such mails: {who.notices_origin}{reverse('notices')}\n"
    try:
        send_mail(f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{notice.title}", text, None, [who.email])
    except OSError as error:  # the notice on the site is there, whatever the mail server says
        logger.warning("notice %s was not mailed: %s", notice.pk, error)


def notices_of(user: User) -> QuerySet[Notice]:
    """Return one's own notices, the newest first; nobody sees another's."""
    return Notice.objects.filter(who=user)


def unread_count(user: User) -> int:
    """Return how many notices this person has not read."""
    return notices_of(user).filter(read_at=None).count()


def mark_read(notices: QuerySet[Notice]) -> int:
    """Mark notices as read; return how many were not."""
    return notices.filter(read_at=None).update(read_at=timezone.now())


def mark_read_at(user: User, url: str) -> None:
    """Mark what a person was told about a page as read, since they look at it."""
    mark_read(notices_of(user).filter(url=url))


def mark_seen(user: User, job: Job) -> None:
    """Mark what a person was told about a job as read, since they look at it."""
    mark_read(notices_of(user).filter(key__startswith=f"job:{job.pk}:"))


def forget_pages(urls: Collection[str]) -> None:
    """Delete the notices about pages that are gone."""
    Notice.objects.filter(url__in=urls).delete()


def set_mailing(user: User, origin: str) -> None:
    """Mail notices from now on, with links to that address of the site; empty: mail none."""
    User.objects.filter(pk=user.pk).update(notices_origin=origin)


def sweep(now: object) -> None:
    """Delete notices that were read long ago."""
    Notice.objects.filter(read_at__lt=timezone.now() - KEEP).delete()


def export_notices(user: User) -> list[dict[str, object]]:
    """Return the notices of `user` for the export of personal data."""
    return [
        {
            "title": notice.title,
            "detail": notice.detail,
            "outcome": notice.outcome,
            "created_at": notice.created_at.isoformat(),
            "read_at": notice.read_at.isoformat() if notice.read_at else None,
        }
        for notice in notices_of(user)
    ]


def erase_notices(user: User) -> None:
    """Delete the notices of `user`."""
    notices_of(user).delete()
