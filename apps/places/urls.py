from django.urls import path

from apps.places import tile_views, views

app_name = "places"
urlpatterns = [
    path("search", views.search, name="search"),
    path(
        "<slug:city>/tiles/<slug:version>/<int:z>/<int:x>/<int:y>.mvt",
        tile_views.tile,
        name="tile",
    ),
]
