"""What every training and evaluation stream shares."""
