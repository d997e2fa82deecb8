from django.urls import path

from apps.treasury import views_public

app_name = "city-money"
urlpatterns = [
    path("city/money/", views_public.money, name="money"),
    path("city/money.csv", views_public.sheet, name="sheet"),
]
