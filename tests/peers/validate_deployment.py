"""Validates manifests against Kubernetes' schemas, and reads rules for Prometheus.

python3 validate_deployment.py DEPLOY: prints what was found as JSON: each object's kind, the metrics that alert
rules name, and the settings that the ConfigMap holds.
"""
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "python"))
import kubernetes_validate  # noqa: E402
import yaml  # noqa: E402

VERSION = "1.33"
deploy = Path(sys.argv[1])
kinds, settings = [], None
for path in sorted((deploy / "kubernetes").glob("*.yaml")):
    for document in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(document, VERSION, strict=True)
        kinds.append(document["kind"])
        if document["kind"] == "ConfigMap":
            settings = document["data"]["praman.toml"]
rules = [
    rule
    for group in yaml.safe_load((deploy / "prometheus/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
for rule in rules:
    missing = {"alert", "expr", "for", "labels", "annotations"} - rule.keys()
    assert not missing, f"{rule}: {missing}"
    assert rule["labels"]["severity"] in ("page", "ticket"), rule
metrics = sorted({name for rule in rules for name in re.findall(r"praman_[a-z_]+", rule["expr"])})
print(json.dumps({"kinds": kinds, "alerts": len(rules), "metrics": metrics, "settings": settings}))
