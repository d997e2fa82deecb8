from django.urls import path

from apps.mobility.consumers import DriverConsumer

websocket_urlpatterns = [path("ws/driver", DriverConsumer.as_asgi())]
