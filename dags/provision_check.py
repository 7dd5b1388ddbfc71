"""# Is everything there that the system stands on?

Looks at each dependency by itself, side by side. It changes nothing, and may run at any time.

| task | looks at |
|---|---|
| `zookeeper` | the quorum, whether a node can be written, the tree |
| `kafka` | brokers; the topic `orders`: partitions, LogAppendTime, no expiry, its id against the ledger's |
| `database_read`, `_catalogue`, `_owner` | version, migrations, the rights of each user that tasks work as |
| `api` | readiness |
| `kubernetes` | on a cluster only: storage class, NFS provisioner, operators' resource definitions, permissions |

**Example:** trigger it without Params.

**When a task is red**, its log has a line `FAILED` for each thing that is wrong, with what to do. Mend that, and
trigger the DAG again. On a new installation `database_*` is red until `seed_db` has migrated the schema.
"""

from airflow.sdk import dag

from plugins.command import command
from plugins.defaults import DAG_DEFAULTS
from plugins.runtime import on_kubernetes


@dag(doc_md=__doc__, tags=["setup", "on demand"], **DAG_DEFAULTS)
def provision_check() -> None:
    """Check each dependency side by side."""
    for server in ("zookeeper", "kafka", "api"):
        command(server, "settlement", "check", server, retries=0)
    for role in ("read", "catalogue", "owner"):
        command(f"database_{role}", "settlement", "check", "database", f"--role={role}", role=role, retries=0)
    if on_kubernetes():
        command(
            "kubernetes",
            *("settlement", "check", "kubernetes"),
            role=None,
            service_account="kiwi-provision",
            retries=0,
        )


provision_check()
