"""A cache that forgets instead of failing."""

import logging
from functools import cached_property
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class LastingClient(RedisCacheClient):
    """One client for the whole process, whose lines last; Django makes one for each call."""

    _lasting: Redis | None = None

    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:
        if self._lasting is None:
            self._lasting = super().get_client(key, write=write)
        return self._lasting


_clients: dict[str, LastingClient] = {}


class ForgivingCache(RedisCache):
    """Valkey's cache for pages that must stand without it: what is unreachable is a miss."""

    _servers: list[str]
    _options: dict[str, Any]

    @cached_property
    def _cache(self) -> LastingClient:
        # Every request has a cache object of its own.  What keeps the lines is shared by all.
        place = self._servers[0]
        if place not in _clients:
            _clients[place] = LastingClient(self._servers, **self._options)
        return _clients[place]

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().add, True, *args, **kwargs)

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._try(super().get, default, key, default=default, version=version)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().set, None, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().touch, False, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().delete, False, *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().get_many, {}, *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().has_key, False, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().incr, 1, *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().set_many, [], *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(super().delete_many, None, *args, **kwargs)

    def clear(self) -> Any:
        return self._try(super().clear, False)

    def _try(self, ask: Any, otherwise: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return ask(*args, **kwargs)
        except RedisError as fault:
            logger.warning("the cache does not answer: %s", type(fault).__name__)
            return otherwise
