"""The rules: what can be wrong with a pipeline, each with a code that never changes its meaning.

A code is three digits after `GR`; its first digit groups it by place. `docs/findings.md` lists them all.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal

Severity = Literal["error", "warning", "note"]
"""An error is what GoldRush documents as refused, or what cannot be sent. A warning is anything else that is probably a
mistake. A note says something that may well be meant."""

FINDINGS_PAGE: Final = "docs/findings.md"
"""The page that explains every code."""


class Rule(Enum):
    """One kind of mistake: its code, how much it matters, and what it is about.

    Attributes:
        code: Identifies the rule in output, in `--ignore` and in comments, for example `GR101`.
        severity: Whether a pipeline is refused.
        title: What is wrong, as a sentence of the documentation.
    """

    UNKNOWN_NAME = ("GR101", "error", "A name is not an input, a field, or an option.")
    MISSING = ("GR102", "error", "A required input or field is missing.")
    WRONG_TYPE = ("GR103", "error", "A value is not a string, number, boolean, list or map as required.")
    EMPTY = ("GR104", "error", "A value or a name must not be empty.")
    NOT_A_CHOICE = ("GR105", "error", "A value is not one of the documented choices.")
    OUT_OF_RANGE = ("GR106", "error", "A number is too small or too large.")
    RESERVED_DESCRIPTION = ("GR107", "error", "A description ends like an ownership tag.")
    DUPLICATE_KEY = ("GR108", "error", "A key stands twice in one map.")
    BAD_DURATION = ("GR109", "error", "A timeout is not a duration such as `10m`.")
    UNDOCUMENTED_VALUE = ("GR110", "warning", "The documentation does not name the value.")
    LOST_DIGITS = ("GR111", "warning", "A number is too large for its last digits to survive.")
    UNWORKABLE_OPTION = ("GR112", "error", "A resource option cannot work for pipelines.")
    IGNORES_NOTHING = ("GR113", "warning", "A path of `ignore_changes` matches no input.")

    BAD_TOPIC = ("GR201", "error", "The topic does not have the form of a topic.")
    UNKNOWN_TOPIC_PART = ("GR202", "warning", "A part of the topic looks misspelt.")
    BAD_HEIGHT = ("GR203", "error", "A value is not a block height.")
    STOP_BEFORE_START = ("GR204", "error", "The pipeline would stop before it starts.")
    BOUNDED_WITHOUT_STOP = ("GR205", "warning", "A bounded pipeline has no height to stop at.")
    STOP_WITHOUT_BOUND = ("GR206", "warning", "An unbounded pipeline has a height to stop at.")

    TYPE_CONFLICT = ("GR301", "error", "The type of the destination is given twice, with different values.")
    MASKED_VALUE = ("GR302", "error", "A value holds the mask that GoldRush shows in place of a secret.")
    BAD_URL = ("GR303", "error", "A URL cannot be right.")
    UNDOCUMENTED_URL = ("GR304", "warning", "A URL has a form that the documentation does not name.")
    BAD_BROKERS = ("GR305", "error", "The list of Kafka brokers cannot be read.")
    KAFKA_PROCESSING = ("GR306", "error", "A Kafka destination takes neither transforms nor an ABI.")
    USER_INFO_IN_URL = ("GR307", "warning", "A URL holds a user or a password.")
    UNCERTAIN_COMPRESSION = ("GR308", "warning", "The documentation contradicts itself about a compression.")
    NOT_A_FIFO_QUEUE = ("GR309", "warning", "A message group is set for a queue that is not FIFO.")
    REGION_CONFLICT = ("GR310", "warning", "The region differs from the one in the queue's URL.")
    BAD_HEADER = ("GR311", "error", "A header cannot be sent.")
    DUPLICATE_HEADER = ("GR312", "warning", "A header is given twice in different case.")
    BAD_METHOD = ("GR313", "error", "A method is not an HTTP method.")
    METHOD_WITHOUT_BODY = ("GR314", "warning", "A method is not known to carry a body.")

    NOT_A_SELECT = ("GR401", "error", "A transform is not a SELECT.")
    SEVERAL_STATEMENTS = ("GR402", "error", "A transform holds several statements.")
    REFUSED_CLAUSE = ("GR403", "error", "A transform holds a clause that GoldRush refuses.")
    AGGREGATE = ("GR404", "error", "A transform calls an aggregate function.")
    UNDOCUMENTED_CLAUSE = ("GR405", "warning", "A transform holds a clause that is not documented.")
    UNDOCUMENTED_FUNCTION = ("GR406", "warning", "A transform calls a function that is not documented.")
    UNREADABLE_SQL = ("GR407", "warning", "A transform could not be read, so it was not checked.")
    UNBALANCED_SQL = ("GR408", "error", "A quote, bracket or comment of a transform is not closed.")
    NO_COLUMNS = ("GR409", "error", "A transform selects no column.")
    WRONG_TABLE = ("GR410", "error", "A transform does not read the table of its key.")
    UNDOCUMENTED_SOURCE = ("GR411", "warning", "A transform reads its table in a way that is not documented.")
    UNKNOWN_TABLE = ("GR412", "warning", "The topic is not known to have the table.")
    UNKNOWN_COLUMN = ("GR413", "warning", "The table is not known to have the column.")
    LONG_TABLE_NAME = ("GR414", "warning", "A name is longer than PostgreSQL keeps.")

    BAD_ABI = ("GR501", "error", "An entry or a parameter of the ABI has the wrong shape.")
    UNDOCUMENTED_ABI = ("GR502", "warning", "The ABI has a shape that is not documented.")
    BAD_ABI_TYPE = ("GR503", "error", "A parameter has a type that Solidity does not have.")
    UNKNOWN_ABI_TYPE = ("GR504", "warning", "A parameter has a type that only the contract's source knows.")
    TOO_MANY_INDEXED = ("GR505", "error", "An event has more indexed parameters than a log holds.")
    NOTHING_DECODED = ("GR506", "warning", "The ABI has no entry that the topic decodes.")
    REPEATED_ENTRY = ("GR507", "warning", "Two entries of the ABI decode the same records.")
    SHARED_TABLE = ("GR508", "warning", "Two entries of the ABI are decoded into one table.")
    UNUSED_ABI_OPTION = ("GR509", "warning", "An option of the ABI is set without an ABI.")
    NOT_DECODABLE = ("GR510", "error", "The topic cannot be decoded by an ABI.")
    NOT_KNOWN_DECODABLE = ("GR511", "warning", "The topic is not known to be decoded by an ABI.")
    BAD_ADDRESS = ("GR512", "error", "A contract address is malformed.")
    WRONG_CHECKSUM = ("GR513", "error", "The checksum of a contract address is wrong.")
    REPEATED_ADDRESS = ("GR514", "warning", "A contract address is listed twice.")

    CLEAR_CREDENTIAL = ("GR601", "warning", "A credential stands in clear text in a stack file.")
    UNKNOWN_SETTING = ("GR602", "error", "A `goldrush:` setting does not exist.")

    UNREADABLE_FILE = ("GR701", "error", "A file cannot be read.")
    NO_PIPELINES = ("GR702", "error", "A file holds no pipelines.")
    STACK_WITHOUT_PIPELINES = ("GR703", "note", "A stack file declares no pipelines.")
    UNREADABLE_ABI_FILE = ("GR704", "error", "The file of an ABI cannot be read.")
    UNKNOWN_CODE = ("GR705", "warning", "A comment ignores a code that does not exist.")

    def __init__(self, code: str, severity: Severity, title: str) -> None:
        self.code = code
        self.severity: Severity = severity
        self.title = title

    @property
    def url(self) -> str:
        """The place of the documentation that explains the rule."""
        return f"{FINDINGS_PAGE}#{self.code.lower()}"


CODES: Final[dict[str, Rule]] = {rule.code: rule for rule in Rule}
"""Every rule by its code."""
