#!/bin/sh
# Prints the part of a hashed lock that the extra for PostgreSQL needs on top of the program's own: deploy/extra.sh FILE
set -eu
sed -n '/^\(psycopg\|psycopg-binary\|psycopg-pool\|procrastinate\|asgiref\|croniter\|python-dateutil\|pytz\|six\|attrs\)\(\[[a-z,]*\]\)\{0,1\}==/,/[^\\]$/p' "$1"
