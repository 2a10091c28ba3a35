"""Devices and hosts: strategies, clusters, agreement."""
