from django.urls import path

from apps.orders.consumers import OrderConsumer

websocket_urlpatterns = [path("ws/order/<uuid:ref>", OrderConsumer.as_asgi())]
