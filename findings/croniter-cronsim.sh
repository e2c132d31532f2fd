#!/bin/sh
# Two libraries read one cron line, and a nightly job runs at other times. On the day on which clocks are set back croniter 7.0.0 runs
# 30 1 * * * twice and cronsim 2.8, which follows Debian's cron, once; on the day on which they are set forward croniter runs 0 */2 * * * also at
# 03:00 in place of 02:00; and */2 as the day of the month beside a day of the week means "or" to croniter and "and" to cronsim.
# Seen on 2026-11-30:
#   30 1 * * * croniter: 01 Nov 01:30 EDT, 01 Nov 01:30 EST, 02 Nov 01:30 EST
#   30 1 * * * cronsim: 01 Nov 01:30 EDT, 02 Nov 01:30 EST, 03 Nov 01:30 EST
#   0 */2 * * * croniter: 08 Mar 03:00 EDT, 08 Mar 04:00 EDT, 08 Mar 06:00 EDT
#   0 */2 * * * cronsim: 08 Mar 04:00 EDT, 08 Mar 06:00 EDT, 08 Mar 08:00 EDT
#   0 12 */2 * 1 croniter: 01 Nov 12:00 EST, 02 Nov 12:00 EST, 03 Nov 12:00 EST
#   0 12 */2 * 1 cronsim: 09 Nov 12:00 EST, 23 Nov 12:00 EST, 07 Dec 12:00 EST
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    croniter==7.0.0 cronsim==2.8
"$folder/venv/bin/python" - > "$folder/seen" <<'PY'
from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

HERE = ZoneInfo("America/New_York")
ASKED = (
    ("30 1 * * *", datetime(2026, 10, 31, 12, tzinfo=HERE)),
    ("0 */2 * * *", datetime(2026, 3, 8, 0, 30, tzinfo=HERE)),
    ("0 12 */2 * 1", datetime(2026, 11, 1, tzinfo=HERE)),
)
for line, start in ASKED:
    theirs = croniter(line, start)
    first = [theirs.get_next(datetime) for _ in range(3)]
    simulated = CronSim(line, start)
    second = [next(simulated) for _ in range(3)]
    for name, times in (("croniter", first), ("cronsim", second)):
        print(f"{line} {name}: {', '.join(time.strftime('%d %b %H:%M %Z') for time in times)}")
PY
cat "$folder/seen"
cmp - "$folder/seen" <<'SEEN'
30 1 * * * croniter: 01 Nov 01:30 EDT, 01 Nov 01:30 EST, 02 Nov 01:30 EST
30 1 * * * cronsim: 01 Nov 01:30 EDT, 02 Nov 01:30 EST, 03 Nov 01:30 EST
0 */2 * * * croniter: 08 Mar 03:00 EDT, 08 Mar 04:00 EDT, 08 Mar 06:00 EDT
0 */2 * * * cronsim: 08 Mar 04:00 EDT, 08 Mar 06:00 EDT, 08 Mar 08:00 EDT
0 12 */2 * 1 croniter: 01 Nov 12:00 EST, 02 Nov 12:00 EST, 03 Nov 12:00 EST
0 12 */2 * 1 cronsim: 09 Nov 12:00 EST, 23 Nov 12:00 EST, 07 Dec 12:00 EST
SEEN
