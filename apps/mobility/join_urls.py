from django.urls import path

from apps.mobility import views_join as views

app_name = "join"
urlpatterns = [
    path("drive/join/", views.join, name="join"),
    path("drive/join/withdraw/", views.withdraw, name="withdraw"),
    path("drive/join/leave/", views.leave, name="leave"),
    path("drive/join/papers/<slug:kind>/", views.paper, name="paper"),
    path("drive/fleet/", views.fleet, name="fleet"),
    path("drive/fleet/asks/<int:joining>/", views.answer, name="answer"),
    path("drive/fleet/drivers/<int:worker>/leave/", views.let_go, name="let-go"),
]
