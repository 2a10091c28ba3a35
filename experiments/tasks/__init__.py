"""What a row trains: classification, pre-training, SQuAD."""
