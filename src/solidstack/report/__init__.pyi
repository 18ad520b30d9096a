from .measurement import write_measurement as write_measurement
from .report import Report as Report
from .report import write_report as write_report
