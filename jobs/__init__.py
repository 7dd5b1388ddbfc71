"""The settlement job: one long-running Spark Structured Streaming application."""
