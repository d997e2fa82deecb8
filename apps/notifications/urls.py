from django.urls import path

from apps.notifications import views

app_name = "notices"
urlpatterns = [
    path("notices/", views.inbox, name="inbox"),
    path("notices/read/", views.read_all, name="read-all"),
    path("notices/<uuid:ref>/", views.open_notice, name="open"),
    path("me/notices/", views.choices, name="choices"),
    path("me/notices/devices/<uuid:ref>/remove/", views.remove_device, name="remove-device"),
]
