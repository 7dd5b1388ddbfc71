"""A home for Airflow that is thrown away; it must be imported before anything of Airflow is, which reads it once."""

import atexit
import os
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[2]

_folder = tempfile.TemporaryDirectory(prefix="kiwi-airflow-", ignore_cleanup_errors=True)
atexit.register(_folder.cleanup)
HOME = Path(_folder.name)
(HOME / "airflow.cfg").write_text(
    f"""[core]
dags_folder = {PROJECT / "dags"}
plugins_folder = {PROJECT / "plugins"}
load_examples = False
unit_test_mode = False

[database]
sql_alchemy_conn = sqlite:///{HOME / "airflow.db"}

[logging]
base_log_folder = {HOME / "logs"}

[usage_data_collection]
enabled = False
"""
)
os.environ["AIRFLOW_HOME"] = str(HOME)
