"""What a step costs: flops, memory, chips, time; the scaling model."""
