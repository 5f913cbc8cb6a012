"""Validates ISO 20022 messages against ISO's schemas, as two independent packages carry them."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent / "python"
sys.path.insert(0, str(HERE))
import xmlschema  # noqa: E402

PLACES = {
    "pain.001": "pain001/templates/{0}/{0}.xsd",
    "pain.002": "pain001/pain002/schemas/{0}.xsd",
    "camt.053": "camt053/xsd/{0}.xsd",
}

for name in sys.argv[1:]:
    text = Path(name).read_text(encoding="utf-8")
    message = re.search(r"urn:iso:std:iso:20022:tech:xsd:([\w.]+)", text).group(1)
    schema = xmlschema.XMLSchema(HERE / PLACES[message[:8]].format(message))
    faults = [f"{fault.path}: {fault.reason}" for fault in schema.iter_errors(name)]
    if faults:
        sys.exit(f"{name} is no {message}:\n" + "\n".join(faults))
    print(f"{name} is a {message}")
