"""The design file: schema, reading, writing, and changed copies."""

from .model import Design as Design
from .model import json_schema as json_schema
from .model import key_path as key_path
from .model import load as load
from .schema import NEGATIVE_KINDS as NEGATIVE_KINDS
