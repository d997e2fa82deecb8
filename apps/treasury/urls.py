from django.urls import path

from apps.treasury import views, views_files

app_name = "treasury"
urlpatterns = [
    path("money/", views.money, name="money"),
    path("money/reconciliation/", views.reconciliation, name="reconciliation"),
    path("money/statements/", views_files.statements, name="statements"),
]
