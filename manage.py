#!/usr/bin/env python
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityplatform.settings")
if sys.argv[1:2] in (["migrate"], ["makemigrations"]):
    # The role that pages and workers use owns no table; this one does.
    os.environ.setdefault("DATABASE_ROLE", "owner")
execute_from_command_line(sys.argv)
