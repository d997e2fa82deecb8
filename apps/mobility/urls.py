from django.urls import path

from apps.mobility import (
    views,
    views_again,
    views_alarm,
    views_destination,
    views_lost,
    views_safety,
    views_share,
)

app_name = "mobility"
urlpatterns = [
    path("rides/", views.plan, name="plan"),
    path("rides/point/", views.name_point, name="name-point"),
    path("rides/quotes/<uuid:bundle>/", views.choose, name="choose"),
    path("rides/quotes/<uuid:bundle>/again/", views_again.requote, name="requote"),
    path("rides/<uuid:ref>/", views.ride, name="ride"),
    path("rides/<uuid:ref>/sheet/", views.sheet, name="sheet"),
    path("rides/<uuid:ref>/cancel/", views.cancel, name="cancel"),
    path("rides/<uuid:ref>/again/", views_again.again, name="again"),
    path("rides/<uuid:ref>/destination/", views_destination.destination, name="destination"),
    path(
        "rides/<uuid:ref>/destination/<uuid:quote>/",
        views_destination.new_price,
        name="new-price",
    ),
    path("rides/<uuid:ref>/share/", views_share.share, name="share"),
    path("rides/<uuid:ref>/share/stop/", views_share.stop, name="stop-sharing"),
    path("rides/<uuid:ref>/lost/", views_lost.lost, name="lost"),
    path("rides/<uuid:ref>/help/", views_alarm.rider, name="help"),
    path("rides/<uuid:ref>/check/", views_safety.rider, name="check"),
    path("s/<str:token>/", views_share.watch, name="watch"),
    path("s/<str:token>/sheet/", views_share.sheet, name="watch-sheet"),
]
