"""The audit: recomputes every result from Kafka's log with its own plain code and compares it with the ledger."""

from settlement.audit.report import AuditReport, Difference, print_report
from settlement.audit.run import audit

__all__ = ["AuditReport", "Difference", "audit", "print_report"]
