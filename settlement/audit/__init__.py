"""The audit: recomputes every result from Kafka's log with its own plain code and compares it with the ledger."""

from settlement.audit.report import AuditReport, Difference
from settlement.audit.run import audit
from settlement.audit.screen import audit_on_screen, print_report

__all__ = ["AuditReport", "Difference", "audit", "audit_on_screen", "print_report"]
