from django.urls import path

from apps.payments import views, views_hooks

app_name = "payments"
urlpatterns = [
    path("hooks/stripe/", views_hooks.hear, name="hook"),
    path("me/cards/", views.index, name="cards"),
    path("me/cards/add/", views.add, name="add"),
    path("me/cards/added/", views.added, name="added"),
    path("me/cards/<int:card>/default/", views.prefer, name="prefer"),
    path("me/cards/<int:card>/remove/", views.remove, name="remove"),
]
