"""URLs of ballots, the leaderboard, one's own ratings and their files."""

from django.urls import path
from django.views.generic import RedirectView

from ratings.api import files
from ratings.views import audits, ballots, downloads, leaderboard, my_ratings

urlpatterns = [
    path("rate/", ballots.rate, name="rate"),
    path("rate/<uuid:pk>/", ballots.rated, name="rated"),
    path("rate/<uuid:pk>/undo", ballots.withdraw, name="withdraw"),
    path("rate/<uuid:pk>/names", ballots.show_names, name="show-names"),
    path("rate/<uuid:pk>/skip", ballots.skip, name="skip"),
    path("rate/<uuid:pk>/query", files.BallotQueryView.as_view(), name="ballot-query"),
    path("leaderboard/", leaderboard.show_leaderboard, name="leaderboard"),
    path("leaderboard/audit/", audits.show_audit, name="leaderboard-audit"),
    path("leaderboard/rows", leaderboard.show_rows, name="leaderboard-rows"),
    path("leaderboard/agreement", leaderboard.show_agreement, name="leaderboard-agreement"),
    path("leaderboard/metrics", leaderboard.show_metrics, name="leaderboard-metrics"),
    path("leaderboard/leaderboard.<slug:suffix>", leaderboard.download_file, name="leaderboard-file"),
    path("me/ratings/", my_ratings.own_marks, name="my-marks"),
    path("me/ratings/blind/", my_ratings.own_ratings, name="my-ratings"),
    path("me/ratings/votes/", RedirectView.as_view(pattern_name="my-ratings", permanent=True, query_string=True)),
    path("me/ratings/<int:pk>/remove", my_ratings.remove_mark, name="my-mark-remove"),
    path("me/ratings/<int:pk>/restore", my_ratings.restore_mark, name="my-mark-restore"),
    path(
        "downloads/ratings/<slug:slug>/votes.csv",
        RedirectView.as_view(url="/downloads/ratings/%(slug)s/ratings.csv", permanent=True),
    ),
    path("downloads/ratings/<slug:slug>/<str:part>", downloads.ratings_file, name="download-ratings"),
]
