"""Addresses below /api/v1/."""

from django.urls import path

from apps.orders import api, api_changes

urlpatterns = [
    path("orders", api.Orders.as_view(), name="api-orders"),
    path("orders/<uuid:ref>", api.OneOrder.as_view(), name="api-order"),
    path("orders/<uuid:ref>/steps", api.Steps.as_view(), name="api-order-steps"),
    path("orders/<uuid:ref>/changes", api_changes.Changes.as_view(), name="api-order-changes"),
    path("orders/<uuid:ref>/tip", api.Tip.as_view(), name="api-order-tip"),
]
