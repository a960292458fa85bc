"""Errors that end or reject a job on purpose."""

from config.errors import Conflict

DISK_FULL = "the disk is full: free some space, then retry"


class JobRefused(Conflict):
    """A job cannot be submitted, cancelled or retried; the message is for its user."""


class UnknownJobKindError(JobRefused):
    """No app has registered a handler for that kind."""


class JobFailed(Exception):
    """A handler gives up; the page shows the message to the job's owner.

    is_lasting: the same input fails again.
    """

    is_lasting = True


class PassingFailure(JobFailed):
    """A handler gives up for a reason outside its input, so that a retry may succeed."""

    is_lasting = False


class JobStopped(Exception):
    """Base of the reasons for which a handler must stop now. Let them pass through."""


class JobLost(JobStopped):
    """Another worker has this job: this attempt may write nothing more."""


class JobCancelled(JobStopped):
    """The job was cancelled."""


class JobInterrupted(JobStopped):
    """This worker is being stopped; the job goes back into the queue and can resume."""
