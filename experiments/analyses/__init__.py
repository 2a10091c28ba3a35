"""Studies of finished runs and of training: sharpness, curvature, ratios, theorems."""
