"""URLs of an encoder, see `config.encoder_settings`."""

from django.urls import path

from retrieval.search.views import encoder

urlpatterns = [
    path("embed", encoder.embed),
    path("explain", encoder.explain),
    path("models/<int:pk>", encoder.model),
    path("known", encoder.known),
]
