"""What the plugin costs, against what it can be compared with: medians and ratios of one run."""
