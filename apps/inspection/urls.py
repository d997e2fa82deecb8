from django.urls import path

from apps.inspection import views

app_name = "inspection"
urlpatterns = [
    path("inspect/", views.start, name="start"),
    path("inspect/now/", views.now, name="now"),
    path("inspect/now/orders/", views.orders, name="orders"),
    path("inspect/now/orders/<uuid:ref>/", views.order, name="order"),
    path("inspect/now/papers/", views.papers, name="papers"),
    path("inspect/now/earnings/", views.earnings, name="earnings"),
    path("inspect/now/earnings/<uuid:ref>/", views.payout, name="payout"),
    path("inspect/end/", views.end, name="end"),
]
