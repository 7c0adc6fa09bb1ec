"""What the API promises: shapes, media types, problems, versions, and the document of all."""
