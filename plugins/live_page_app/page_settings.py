"""What the live page is told besides the project's own settings."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PageSettings(BaseSettings):
    """Each field is the variable `KIWI_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="KIWI_", frozen=True)

    report_dir: Path | None = Field(None, description="benchmark reports, one folder a run; none = no reports")
