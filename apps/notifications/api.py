from typing import Any
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Kind as Part
from apps.kernel.asked import Asked
from apps.kernel.problems import Problem
from apps.notifications import keys, operations, queries, words
from apps.notifications.models import Notice
from apps.parties.authentication import asking

PROBLEMS: dict[type[Exception], Problem] = {
    operations.NotADevice: Problem(
        422, "not_a_device", _("This is no subscription of a browser that we could ring.")
    ),
    operations.NoSuchDevice: Problem(404, "not_found", _("There is no such device.")),
    operations.NoSuchNotice: Problem(404, "not_found", _("There is no such notice.")),
    keys.NoKey: Problem(503, "no_push", _("This city rings no phones yet.")),
}


class NoticeOut(serializers.Serializer[Notice]):
    ref = serializers.UUIDField()
    kind = serializers.CharField()
    title = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()
    link = serializers.CharField()
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)

    def get_title(self, notice: Notice) -> str:
        return _said(notice).title

    def get_text(self, notice: Notice) -> str:
        return _said(notice).text


def _said(notice: Notice) -> words.Said:
    return words.said(notice, language=get_language() or "en", now=clock.now())


class ReadIn(Asked):
    """One notice; without it all of them."""

    ref = serializers.UUIDField(required=False, allow_null=True, default=None)


class UnreadOut(serializers.Serializer[Any]):
    unread = serializers.IntegerField()


class KeysIn(Asked):
    p256dh = serializers.CharField(max_length=100)
    auth = serializers.CharField(max_length=40)


class DeviceIn(Asked):
    """A browser's PushSubscription, as it writes it itself, and what its person calls it."""

    endpoint = serializers.CharField(max_length=1_000)
    keys = KeysIn()
    name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class DeviceOut(serializers.Serializer[Any]):
    ref = serializers.UUIDField()
    name = serializers.CharField()
    added_at = serializers.DateTimeField()
    reached_at = serializers.DateTimeField(allow_null=True)


class KeyOut(serializers.Serializer[Any]):
    key = serializers.CharField()


@extend_schema(tags=["news"], summary="What you were told, the newest first")
class Notices(ListAPIView[Notice]):
    serializer_class = NoticeOut
    ordering = ("-id",)

    def get_queryset(self) -> Any:
        return queries.inbox(asking(self.request).pk)


@extend_schema(tags=["news"])
class Unread(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(summary="How much of it is unread", responses=UnreadOut)
    def get(self, request: Request) -> Response:
        return Response({"unread": queries.unread(asking(request).pk)})

    @extend_schema(summary="Mark as read", request=ReadIn, responses=UnreadOut)
    def post(self, request: Request) -> Response:
        asked = ReadIn(data=request.data)
        asked.is_valid(raise_exception=True)
        person, ref = asking(request), asked.validated_data["ref"]
        with problems.told(PROBLEMS):
            operations.read(
                user_id=person.pk,
                ref=ref and str(ref),
                by=person.acting(Part.CONSUMER),
                at=clock.now(),
            )
        return Response({"unread": queries.unread(person.pk)})


@extend_schema(tags=["news"])
class Devices(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(summary="The devices that ring", responses=DeviceOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(DeviceOut(queries.devices_of(asking(request).pk), many=True).data)

    @extend_schema(summary="Ring this browser, too", request=DeviceIn, responses={201: DeviceOut})
    def post(self, request: Request) -> Response:
        asked = DeviceIn(data=request.data)
        asked.is_valid(raise_exception=True)
        told, person = asked.validated_data, asking(request)
        with problems.told(PROBLEMS):
            device = operations.add_device(
                user_id=person.pk,
                endpoint=told["endpoint"],
                p256dh=told["keys"]["p256dh"],
                auth=told["keys"]["auth"],
                name=told["name"],
                by=person.acting(Part.CONSUMER),
                at=clock.now(),
            )
        return Response(DeviceOut(device).data, status=status.HTTP_201_CREATED)


@extend_schema(tags=["news"])
class OneDevice(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(summary="Ring a device no more", responses={204: None})
    def delete(self, request: Request, ref: UUID) -> Response:
        person = asking(request)
        by = person.acting(Part.CONSUMER)
        with problems.told(PROBLEMS):
            operations.remove_device(user_id=person.pk, ref=ref, by=by, at=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["news"])
class PushKey(APIView):
    complaints_when_read = tuple(PROBLEMS.values())

    @extend_schema(
        summary="The key to subscribe with",
        description="The public half of this city's VAPID key, for `PushManager.subscribe`.",
        responses=KeyOut,
    )
    def get(self, request: Request) -> Response:
        with problems.told(PROBLEMS):
            return Response({"key": keys.public_key()})
