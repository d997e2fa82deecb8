from apps.places.models import City


def current_city() -> City | None:
    """The city whose pages these are: the first that was loaded."""
    return City.objects.order_by("pk").first()
