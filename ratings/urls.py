"""Addresses of the pages on which people rate."""

from django.urls import path

from ratings import api_files, ballot_views, downloads, leaderboard_views, mine

urlpatterns = [
    path("rate/", ballot_views.rate, name="rate"),
    path("rate/<uuid:pk>/", ballot_views.rated, name="rated"),
    path("rate/<uuid:pk>/undo", ballot_views.withdraw, name="withdraw"),
    path("rate/<uuid:pk>/query", api_files.BallotQueryView.as_view(), name="ballot-query"),
    path("leaderboard/", leaderboard_views.board, name="leaderboard"),
    path("leaderboard/rows", leaderboard_views.board_rows, name="leaderboard-rows"),
    path("leaderboard/agreement", leaderboard_views.board_agreement, name="leaderboard-agreement"),
    path("leaderboard/leaderboard.<slug:suffix>", leaderboard_views.board_file, name="leaderboard-file"),
    path("me/ratings/", mine.own_marks, name="my-marks"),
    path("me/ratings/votes/", mine.own_votes, name="my-votes"),
    path("me/ratings/<int:pk>/remove", mine.remove_mark, name="my-mark-remove"),
    path("downloads/ratings/<slug:slug>/<str:part>", downloads.ratings_file, name="download-ratings"),
]
