"""The audit: recomputes every result from Kafka's log with its own plain code and compares it with the ledger."""

from settlement.audit.report import AuditReport, Difference
from settlement.audit.run import audit
from settlement.audit.screen import print_report

__all__ = ["AuditReport", "Difference", "audit", "print_report"]
