from django.contrib import admin
from unfold.admin import ModelAdmin

from apps.kernel.office import Facts
from apps.mobility.models import Ride, Vehicle, VehicleEvent


@admin.register(Vehicle)
class VehicleAdmin(ModelAdmin):
    list_display = ("plate", "make", "colour", "worker")
    search_fields = ("plate", "worker__user__name")
    list_select_related = ("worker__user", "worker__provider")


@admin.register(Ride)
class RideAdmin(Facts):
    list_display = ("order", "pickup_name", "dropoff_name", "metres", "seconds", "pickup_eta_at")
    search_fields = ("order__ref", "pickup_name", "dropoff_name")
    # The start code is between the rider and the driver.
    exclude = ("code",)


@admin.register(VehicleEvent)
class VehicleEventAdmin(Facts):
    list_display = ("worker", "event", "state", "order", "happened_at")
    list_filter = ("event", "state")
    ordering = ("-pk",)
