"""Raw text: documents, vocabulary, WordPiece."""
