"""A report as SARIF 2.1.0, the format that code review tools take findings in."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.validation.rules import Rule

if TYPE_CHECKING:
    from goldrush_pulumi.validation.files import Finding, Report

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(report: Report, version: str) -> dict[str, Any]:
    """Return a report as a SARIF log of one run.

    Args:
        report: What was found.
        version: The version of this package.
    """
    driver = {
        "name": "goldrush-pulumi",
        "version": version,
        "rules": [_describe_rule(rule) for rule in Rule],
    }
    run = {"tool": {"driver": driver}, "results": [_describe_finding(finding) for finding in report.findings]}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _describe_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.title() for word in rule.name.split("_")),
        "shortDescription": {"text": rule.title},
        "defaultConfiguration": {"level": rule.severity},
        "helpUri": rule.url,
    }


def _describe_finding(finding: Finding) -> dict[str, Any]:
    location = {
        "artifactLocation": {"uri": PurePath(finding.file).as_posix()},
        "region": {"startLine": finding.line},
    }
    return {
        "ruleId": finding.problem.rule.code,
        "level": finding.problem.severity,
        "message": {"text": str(finding.problem)},
        "locations": [{"physicalLocation": location}],
    }
