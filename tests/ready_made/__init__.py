"""What is ready to be used in pipelines, tried as far as a machine without them can."""
