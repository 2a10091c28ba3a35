"""ImageNet from TFDS or raw TFRecords."""
