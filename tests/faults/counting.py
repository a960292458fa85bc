"""What must be true after every fault: nothing is lost, nothing doubled, work has ended, and the site is ready."""

from django.core.management import call_command

from jobs.models import Job
from ratings.models import Ballot, BlindScore
from retrieval.models import Index, Model, Run, Search
from tests.faults.people import Rankings
from tests.faults.stack import PATIENCE, Stack
from tests.jobs.live import wait_until

ATTEMPTS = 3


def settle(stack: Stack) -> None:
    """Let people and jobs end, then count everything."""
    stack.wait_for_searches()
    wait_until(
        lambda: not Job.objects.filter(state__in=Job.ACTIVE).exists(),
        PATIENCE,
        lambda: f"the end of {list(Job.objects.filter(state__in=Job.ACTIVE))}\n{stack.logs()}",
    )
    stack.people.end()
    assert not stack.people.troubles, f"{stack.people.troubles}\n{stack.logs()}"
    _count_searches(stack)
    _count_ratings(stack)
    _count_work(stack)
    assert stack.children() == [], "a child goes on although its job has ended"
    call_command("verify")
    wait_until(lambda: stack.ready().status_code == 200, 60, lambda: f"{stack.ready().text}\n{stack.logs()}")
    stack.saw(stack.people.said())
    stack.is_settled = True


def _count_searches(stack: Stack) -> None:
    for number, told in stack.people.searches.items():
        rankings: Rankings = {row.model_id: row.image_ids for row in Search.objects.get(pk=number).rankings.all()}
        assert rankings == told, f"search {number} is not stored as it was answered"
    stored, told_of = Search.objects.filter(owner=stack.member).count(), len(stack.people.searches)
    assert told_of <= stored <= told_of + stack.people.unanswered, (stored, told_of, stack.people.unanswered)


def _count_ratings(stack: Stack) -> None:
    for number, ratings in stack.people.ballots.items():
        ballot = Ballot.objects.get(pk=number)
        assert ballot.voted_at is not None
        scores = {str(row.ranking_id): row.score for row in BlindScore.objects.filter(ballot=ballot)}
        assert scores == {key: value for key, value in ratings.items() if key in scores} and len(scores) >= 2
    voted = Ballot.objects.filter(who=stack.member, voted_at__isnull=False).count()
    cast = len(stack.people.ballots)
    assert cast <= voted <= cast + 1, "one rating may be stored whose answer nobody waited for"


def _count_work(stack: Stack) -> None:
    for job in Job.objects.all():
        words = stack.failures.get(job.pk)
        if words is None:
            assert job.state == Job.State.SUCCEEDED, f"{job}: {job.error}\n{stack.logs()}"
        else:
            assert job.state == Job.State.FAILED and words in job.error, f"{job}: {job.error}\n{stack.logs()}"
        assert job.tries <= ATTEMPTS
    for run in Run.objects.filter(job__state=Job.State.SUCCEEDED):
        assert Model.objects.filter(run=run).count() == 1
        assert [event["epoch"] for event in run.history] == list(range(1, len(run.history) + 1))
    for model in Model.objects.all():
        assert Index.objects.filter(model=model, dataset=stack.world.dataset, active=True).count() == 1
