"""Physical constants, the only copy (SI, exact by the 2019 redefinition)."""

FARADAY = 96485.33212331001
"""Faraday constant, C/mol."""

GAS = 8.314462618153241
"""Molar gas constant, J/(mol K)."""

ZERO_CELSIUS = 273.15
"""0 degC, K."""
