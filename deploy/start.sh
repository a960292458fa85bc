# Starts a process of the site in a container: `start.sh web` runs the line `web:` of the Procfile; other words are a
# command of their own, such as `start.sh python manage.py migrate`.
set -eu
mkdir -p "$TMPDIR"
# What a killed process has left there; nobody needs a file for so long.
find "$TMPDIR" -mindepth 1 -ctime +2 -delete
line=$(awk -v name="$1:" '$1 == name { sub(/^[^:]+: */, ""); print }' Procfile)
[ -z "$line" ] || exec sh -c "exec $line"
exec "$@"
