from django.urls import path

from apps.parties import views

app_name = "parties"
urlpatterns = [
    path("", views.tokens, name="tokens"),
    path("<int:token_id>/revoke/", views.revoke_token, name="revoke_token"),
]
