from django.urls import path

from apps.mobility import views_alarm
from apps.mobility import views_driver as views

app_name = "driver"
urlpatterns = [
    path("drive/", views.shift, name="shift"),
    path("drive/sheet/", views.sheet, name="sheet"),
    path("drive/shift/", views.change, name="change"),
    path("drive/offers/<int:offer>/", views.answer, name="answer"),
    path("drive/rides/<uuid:ref>/", views.step, name="step"),
    path("drive/rides/<uuid:ref>/help/", views_alarm.driver, name="help"),
]
