from django.urls import path

from apps.mobility import views_alarm, views_safety
from apps.mobility import views_driver as views

app_name = "driver"
urlpatterns = [
    path("drive/", views.shift, name="shift"),
    path("drive/sheet/", views.sheet, name="sheet"),
    path("drive/shift/", views.change, name="change"),
    path("drive/offers/<int:offer>/", views.answer, name="answer"),
    path("drive/rides/<uuid:ref>/", views.step, name="step"),
    path("drive/rides/<uuid:ref>/help/", views_alarm.driver, name="help"),
    path("drive/rides/<uuid:ref>/check/", views_safety.driver, name="check"),
]
