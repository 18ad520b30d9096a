from .comparison import compare as compare
from .validation import validate as validate
