"""How API lists are cut into pages."""

from rest_framework.pagination import LimitOffsetPagination


class LimitOffset(LimitOffsetPagination):
    """`?limit=&offset=`; a page holds 100 by default and never more than 1,000."""

    default_limit = 100
    max_limit = 1000
