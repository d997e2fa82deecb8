from django.urls import path

from apps.orders import views

app_name = "orders"
urlpatterns = [
    path("orders/", views.history, name="history"),
    path("orders/<uuid:ref>/", views.receipt, name="receipt"),
    path("orders/<uuid:ref>/tip/", views.tip, name="tip"),
]
