from django.urls import path

from apps.places import views_favourites as views

app_name = "favourites"
urlpatterns = [
    path("", views.favourites, name="list"),
    path("<int:favourite>/rename/", views.rename, name="rename"),
    path("<int:favourite>/remove/", views.remove, name="remove"),
]
