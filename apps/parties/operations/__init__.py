"""Parties: who takes part in the city, and who may act for whom."""

from apps.parties.operations.appointing import give_role, take_role, write_roles
from apps.parties.operations.complaints import (
    AlreadyAnswered,
    LastOwner,
    NoSuchJoining,
    NoSuchPerson,
    NoSuchProvider,
    NoSuchRole,
    NoSuchToken,
    OwnRole,
    WorksElsewhere,
)
from apps.parties.operations.joinings import (
    agree_to_joining,
    ask_to_join,
    refuse_joining,
    save_joining,
    withdraw_joining,
)
from apps.parties.operations.people import (
    change_person,
    choose_language,
    name_person,
    remember_needs,
    sign_up,
)
from apps.parties.operations.teams import (
    GRANTS,
    OPERATE,
    SEE_MONEY,
    add_member,
    found_provider,
    hire_worker,
    remove_member,
)
from apps.parties.operations.tokens import TOKEN_PREFIX, issue_token, revoke_token

__all__ = [
    "AlreadyAnswered",
    "GRANTS",
    "LastOwner",
    "NoSuchJoining",
    "NoSuchPerson",
    "NoSuchProvider",
    "NoSuchRole",
    "NoSuchToken",
    "OPERATE",
    "OwnRole",
    "SEE_MONEY",
    "TOKEN_PREFIX",
    "WorksElsewhere",
    "add_member",
    "agree_to_joining",
    "ask_to_join",
    "change_person",
    "choose_language",
    "found_provider",
    "give_role",
    "hire_worker",
    "issue_token",
    "name_person",
    "refuse_joining",
    "remember_needs",
    "remove_member",
    "revoke_token",
    "save_joining",
    "sign_up",
    "take_role",
    "withdraw_joining",
    "write_roles",
]
