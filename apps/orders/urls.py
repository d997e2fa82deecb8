from django.urls import path

from apps.orders import views, views_bank

app_name = "orders"
urlpatterns = [
    path("orders/", views.history, name="history"),
    path("orders/<uuid:ref>/", views.receipt, name="receipt"),
    path("orders/<uuid:ref>/tip/", views.tip, name="tip"),
    path("orders/<uuid:ref>/bank/", views_bank.lead, name="bank"),
    path("orders/<uuid:ref>/back/", views_bank.back, name="back"),
]
