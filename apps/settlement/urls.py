from django.urls import path

from apps.settlement import views, views_fees

app_name = "settlement"
urlpatterns = [
    path("earnings/", views.earnings, name="earnings"),
    path("earnings/<uuid:ref>/", views.statement, name="statement"),
    path("earnings/<uuid:ref>.csv", views.statement_csv, name="csv"),
    path("cases/<uuid:ref>/fee/", views_fees.fee, name="fee"),
]
