from .measurement import write_measurement as write_measurement
from .report import Step as Step
from .report import simulated_cycle as simulated_cycle
from .report import small_twin as small_twin
from .report import write_report as write_report
