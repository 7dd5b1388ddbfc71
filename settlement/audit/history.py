"""The batches as the ledger tells them: numbers, tokens and offset ranges without a gap or an overlap."""

from settlement.audit.books import AMOUNT_DIGITS, Books, Tally, fixed, unfixed
from settlement.audit.report import Findings
from settlement.audit.snapshot import BatchRecord
from settlement.currency import CODES


class History:
    """Checks each batch against those before it, and sums up what they claim."""

    def __init__(self, mark: int, findings: Findings) -> None:
        self.books = Books(mark)
        self.number = 0
        self.fencing_token = 0
        self.catalogue_version = 0
        self.range_count = 0
        self.ends: dict[int, int] = {}
        self._findings = findings

    def follows(self, record: BatchRecord) -> bool:
        """Return whether the batch continues the log where the ones before it ended, so that it can be replayed."""
        where = f"batch {record.number}"
        self._findings.compare("batch.number", where, self.number + 1, record.number)
        self._check_growth("batch.fencing_token", where, self.fencing_token, record.fencing_token)
        self._check_growth("batch.catalogue_version", where, self.catalogue_version, record.catalogue_version)
        self.number = record.number
        self.fencing_token = record.fencing_token
        self.catalogue_version = record.catalogue_version
        self._add(record)
        before = self._findings.count
        if min(record.rates) <= 0:
            self._findings.add("batch.rate", where, "rates above 0", record.rates)
        self._check_ranges(record, where)
        return self._findings.count == before

    def _check_growth(self, what: str, where: str, before: int, now: int) -> None:
        if now < before:
            self._findings.add(what, where, f"{before} or more", now)

    def _check_ranges(self, record: BatchRecord, where: str) -> None:
        self.range_count += len(record.ranges)
        for part in record.ranges:
            place = f"{where}, partition {part.partition}"
            self._findings.compare("batch_range.start_offset", place, self.ends.get(part.partition, 0), part.start)
            if part.end <= part.start:
                self._findings.add("batch_range.end_offset", place, f"more than {part.start}", part.end)
            self.ends[part.partition] = part.end
        if not record.ranges:
            self._findings.add("batch_range", where, "one range or more", "none")

    def _add(self, record: BatchRecord) -> None:
        paid = dict(zip(CODES, map(unfixed, record.paid), strict=True))
        tally = Tally(record.orders, record.malformed, paid)
        self.books.add(record.number, tally, unfixed(record.amount_cny))


def compare_batch(record: BatchRecord, tally: Tally, amount: int, version: int, findings: Findings) -> None:
    """Compare one batch's record with what was recomputed."""
    where = f"batch {record.number}"
    findings.compare("batch.catalogue_version", where, version, record.catalogue_version)
    findings.compare("batch.orders", where, tally.orders, record.orders)
    findings.compare("batch.succeeded", where, sum(tally.succeeded.values()), record.succeeded)
    findings.compare("batch.malformed", where, tally.malformed, record.malformed)
    for code, paid in zip(CODES, record.paid, strict=True):
        findings.compare(f"batch.paid_{code.lower()}", where, fixed(tally.paid[code], 2), paid)
    findings.compare("batch.amount_cny", where, fixed(amount, AMOUNT_DIGITS), record.amount_cny)
