#!/bin/sh
# hubspot-sdk 0.1.0a9 with strict response validation refuses a contact with an empty property: HubSpot gives `null` for it, the SDK's model
# (made from the published OpenAPI document) says that every property is text. Without strict validation the null passes.
# Seen on 2026-11-30:
#   strict: APIResponseValidationError
#   not strict: {'firstname': 'Invented', 'phone': None}
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check hubspot-sdk==0.1.0a9
"$folder/venv/bin/python" - > "$folder/seen" <<'PY'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from hubspot_sdk import HubSpot

BODY = json.dumps({
    "id": "1", "properties": {"firstname": "Invented", "phone": None}, "archived": False,
    "createdAt": "2026-11-01T00:00:00.000Z", "updatedAt": "2026-11-01T00:00:00.000Z",
}).encode()


class Portal(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *words):
        pass


server = HTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=server.serve_forever, daemon=True).start()
for strict in (True, False):
    client = HubSpot(
        access_token="invented", base_url=f"http://127.0.0.1:{server.server_port}", max_retries=0,
        _strict_response_validation=strict,
    )
    try:
        seen = client.crm.objects.contacts.get("1").properties
    except Exception as error:
        seen = type(error).__name__
    print("strict:" if strict else "not strict:", seen)
PY
cat "$folder/seen"
printf "strict: APIResponseValidationError\nnot strict: {'firstname': 'Invented', 'phone': None}\n" | cmp - "$folder/seen"
