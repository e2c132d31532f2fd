"""The scoring statement, and the engines that it is written for."""
