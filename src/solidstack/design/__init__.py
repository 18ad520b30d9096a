"""The design file: schema, reading, writing, and changed copies."""

from .actions import Action as Action
from .actions import first_charge as first_charge
from .actions import following as following
from .model import Design as Design
from .model import json_schema as json_schema
from .model import key_path as key_path
from .model import load as load
from .protocol import Protocol as Protocol
from .protocol import default_protocol as default_protocol
from .protocol import read_protocol as read_protocol
from .rate import Rate as Rate
from .schema import NEGATIVE_KINDS as NEGATIVE_KINDS
