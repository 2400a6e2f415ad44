"""What the documentation names of GoldRush's data: chains, entities, tables and columns.

Source: the pages "supported chains" and "normalizers" of the GoldRush Pipeline API documentation. New ones appear
without notice, so nothing here closes a list: it only finds words that were most likely misspelt.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHAINS = (
    "base eth matic hypercore hyperevm solana bsc arbitrum optimism avalanche zksync ink moonbeam scroll fantom blast"
    " axie celo monad megaeth adi"
)

CHAINS: Final = tuple(_CHAINS.split())
"""First segments of topics. Most are guessed from the chain's name: only a few topics are printed in full."""

OTHER_CHAIN_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"polygon": "matic", "bnb": "bsc", "ethereum": "eth", "avax": "avalanche", "ronin": "axie"}
)
"""Names by which people know a chain, and the segment that most likely stands for it in topics."""

NETWORKS: Final = ("mainnet", "testnet")
QUALIFIERS: Final = ("ref",)

ENTITY_TABLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "blocks": ("blocks",),
        "traces": ("traces",),
        "transactions": ("transactions",),
        "logs": ("logs",),
        "receipts": ("receipts",),
        "transfers": ("transfers",),
        "swaps": ("swaps",),
        "fills": ("hl_fills",),
        "trades": ("hl_trades",),
        "orders": ("hl_orders",),
        # Six tables by kind of event, of which four are named.
        "miscevents": ("hl_deposits", "hl_withdrawals", "hl_funding", "hl_misc_events"),
    }
)
"""Entities of topics, and the tables that each is turned into."""

DECODED_ENTITIES: Final[Mapping[str, str]] = MappingProxyType({"logs": "event", "transactions": "function"})
"""Entities an ABI can decode, and the kind of ABI entry that decodes them."""

_HL_FILLS = (
    "block_number block_time local_time stream user_address coin px sz side time start_position dir closed_pnl hash oid"
    " crossed fee tid fee_token builder_fee cloid twap_id builder liquidation_user liquidation_mark_px"
    " liquidation_method"
)
_BLOCKS = (
    "chain_name height block_hash block_parent_hash nonce transactions_root state_root miner_address difficulty"
    " total_difficulty size extra_data gas_limit gas_used signed_at transaction_count base_fee_per_gas withdrawals_root"
    " logs_bloom blob_gas_used excess_blob_gas parent_beacon_block_root"
)
_SWAPS = (
    "chain_name block_height tx_hash protocol pair_address token0 token1 block_date block_time block_slot tx_id signer"
    " pool_address base_mint quote_mint base_amount quote_amount price_usd volume_usd protocol_name outer_program"
    " inner_program instruction_type"
)

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"hl_fills": tuple(_HL_FILLS.split()), "blocks": tuple(_BLOCKS.split()), "swaps": tuple(_SWAPS.split())}
)
"""Columns by table, of every chain that has the table."""

WHOLE_TABLES: Final = frozenset({"hl_fills"})
"""The tables of `COLUMNS` of which every column is listed."""

DOUBTFUL_COLUMNS: Final = frozenset({("hl_fills", "local_time")})
"""Table and column where one page of the documentation lists the column and a newer one does not."""


def find_entity(segment: str) -> str | None:
    """Return the documented entity that a segment of a topic names: `swap` and `swaps` are both `swaps`; else None."""
    return next((entity for entity in ENTITY_TABLES if segment in (entity, entity[:-1])), None)
