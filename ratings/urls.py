"""Addresses of the pages on which people rate."""

from django.urls import path

from ratings.api import files
from ratings.views import ballots, downloads, leaderboard, my_ratings

urlpatterns = [
    path("rate/", ballots.rate, name="rate"),
    path("rate/<uuid:pk>/", ballots.rated, name="rated"),
    path("rate/<uuid:pk>/undo", ballots.withdraw, name="withdraw"),
    path("rate/<uuid:pk>/query", files.BallotQueryView.as_view(), name="ballot-query"),
    path("leaderboard/", leaderboard.board, name="leaderboard"),
    path("leaderboard/rows", leaderboard.board_rows, name="leaderboard-rows"),
    path("leaderboard/agreement", leaderboard.board_agreement, name="leaderboard-agreement"),
    path("leaderboard/leaderboard.<slug:suffix>", leaderboard.board_file, name="leaderboard-file"),
    path("me/ratings/", my_ratings.own_marks, name="my-marks"),
    path("me/ratings/votes/", my_ratings.own_votes, name="my-votes"),
    path("me/ratings/<int:pk>/remove", my_ratings.remove_mark, name="my-mark-remove"),
    path("downloads/ratings/<slug:slug>/<str:part>", downloads.ratings_file, name="download-ratings"),
]
