//! How long the transactions of many routes are, without building them: the accounts that several swaps
//! name are there once, so that it is no sum of lengths. [`super::size`] has the last word.

use super::path::{Hop, Path};
use crate::book::Book;
use crate::formats::Formats;
use amm::{Limit, Trader};
use chain::transaction::{self, ASSOCIATED_TOKEN_PROGRAM, Version};
use order_core::token::{NATIVE_MINT, Program};
use order_core::{Atoms, Mint, PoolAddress, Pubkey, Token};
use proto::quote::Request;
use std::collections::HashMap;

/// Bytes of an account's address.
const ADDRESS: usize = 32;

/// The bytes that looking an address up saves: a byte stands for it.
const LOOKED_UP: usize = ADDRESS - 1;

/// The bytes that naming a lookup table takes: its address, and two counts.
const TABLE: usize = ADDRESS + 2;

/// The signature, the header, the blockhash, the counts of addresses, of instructions and of tables, and
/// both instructions of the compute budget.
const FRAME: usize = (1 + 64) + (1 + 3) + 32 + 1 + 1 + 1 + 8 + 12;

/// The same of version 1, which has no tables and no budget: its limits and the fee are in its head. That has a mask of
/// those that are there, 8 bytes of fee and twice 4 of limits.
const FRAME_V1: usize = 64 + (1 + 3) + 4 + 32 + 1 + 1 + 8 + 2 * 4;

/// The bytes that version 1 takes more for each instruction: the length of its data has two.
const INSTRUCTION_V1: usize = 1;

/// How many instructions create, initialise and close the account of wrapped SOL.
const WRAPPING_INSTRUCTIONS: usize = 3;

/// The instructions that create, initialise and close the account of wrapped SOL.
const WRAPPING: usize = CREATING + 38 + 7;

/// The instruction that creates an account from a seed.
const CREATING: usize = 5 + 92 + chain::SEED_LENGTH;

/// The instruction that makes the closed account of wrapped SOL the order's marker.
const REFILLING: usize = 17;

/// The instruction that pays a tip.
const TIPPING: usize = 17;

/// The instruction that makes sure of an associated account.
const ASSOCIATING: usize = 10;

/// Stands for the wallet.
const WALLET: Pubkey = Pubkey::new_from_array([0xA1; 32]);

/// Stands for the order's marker, where it is an account of its own.
const MARKER: Pubkey = Pubkey::new_from_array([0xA4; 32]);

/// Stands for the account that gets the tip.
const TIPPED: Pubkey = Pubkey::new_from_array([0xA5; 32]);

/// Stands for the program of the compute budget.
const BUDGET: Pubkey = Pubkey::new_from_array([0xA3; 32]);

/// The address of the system program.
const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);

/// The contribution of a route, or of a part of one, to a transaction.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shape {
    /// The addresses that other parts may name too, a bit for each.
    addresses: u128,
    /// Those of them that are not looked up: no table has them, or they are programs that are called.
    fixed: u128,
    /// How many other addresses there are.
    own: usize,
    /// How many of these can be looked up.
    own_looked_up: usize,
    /// The lookup tables that have some of the addresses, a bit for each.
    tables: u64,
    /// The tokens whose accounts are opened, a bit for each; the lowest is wrapped SOL's.
    opened: u64,
    /// How many instructions there are besides those that open accounts and close them.
    instructions: usize,
    /// Everything else.
    bytes: usize,
    /// The newest version that the transaction may have.
    newest: Version,
}

impl Shape {
    /// Both in one transaction.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            addresses: self.addresses | other.addresses,
            fixed: self.fixed | other.fixed,
            own: self.own.saturating_add(other.own),
            own_looked_up: self.own_looked_up.saturating_add(other.own_looked_up),
            tables: self.tables | other.tables,
            opened: self.opened | other.opened,
            instructions: self.instructions.saturating_add(other.instructions),
            bytes: self.bytes.saturating_add(other.bytes),
            newest: self.newest.max(other.newest),
        }
    }

    /// Counts an address: a `bit` says that other parts may name it too, and a `table` that it can be
    /// looked up there.
    fn name(&mut self, bit: Option<u128>, table: Option<usize>) {
        let table = table.and_then(|place| 1u64.checked_shl(u32::try_from(place).ok()?));
        self.tables |= table.unwrap_or(0);
        match bit {
            Some(bit) => {
                self.addresses |= bit;
                self.fixed |= if table.is_some() { 0 } else { bit };
            }
            None => {
                self.own = self.own.saturating_add(1);
                self.own_looked_up = self.own_looked_up.saturating_add(usize::from(table.is_some()));
            }
        }
    }

    /// True if the transaction is short enough to be sent, and names few enough accounts.
    pub(super) fn fits(self) -> bool {
        let fits = |version: Version| {
            self.length(version) <= version.length_max()
                && self.accounts(version) <= transaction::ACCOUNTS_MAX
        };
        fits(Version::V0) || (self.newest >= Version::V1 && fits(Version::V1))
    }

    /// The program of the compute budget is one of them, which version 1 does not call.
    fn accounts(self, version: Version) -> usize {
        let named = count(self.addresses.count_ones(), 1).saturating_add(self.own);
        match version {
            Version::V0 => named,
            Version::V1 => named.saturating_sub(1),
        }
    }

    /// The transaction's length in bytes. One of version 0 is told with the lookup tables if that is shorter; where
    /// there are several, leaving one out may be shorter still.
    pub(super) fn length(self, version: Version) -> usize {
        let wrapped = (self.opened & WRAPPED).count_ones();
        let associated = (self.opened & !WRAPPED).count_ones();
        let opening = count(wrapped, WRAPPING).saturating_add(count(associated, ASSOCIATING));
        let addresses = self.accounts(version).saturating_mul(ADDRESS);
        let whole = self.bytes.saturating_add(opening).saturating_add(addresses);
        match version {
            Version::V0 => whole.saturating_add(FRAME).saturating_sub(self.saved()),
            Version::V1 => {
                let opening = count(wrapped, WRAPPING_INSTRUCTIONS).saturating_add(count(associated, 1));
                let instructions = self.instructions.saturating_add(opening);
                whole.saturating_add(FRAME_V1).saturating_add(instructions.saturating_mul(INSTRUCTION_V1))
            }
        }
    }

    /// The bytes that the lookup tables save.
    fn saved(self) -> usize {
        let shared = count((self.addresses & !self.fixed).count_ones(), LOOKED_UP);
        let saved = self.own_looked_up.saturating_mul(LOOKED_UP).saturating_add(shared);
        saved.saturating_sub(count(self.tables.count_ones(), TABLE))
    }
}

/// So many times `each`.
fn count(ones: u32, each: usize) -> usize {
    usize::try_from(ones).unwrap_or(usize::MAX).saturating_mul(each)
}

/// The bit of wrapped SOL among the opened accounts.
const WRAPPED: u64 = 1;

/// The shapes of some paths, and of what every route between the two tokens has.
#[derive(Debug)]
pub(super) struct Shapes {
    pub(super) frame: Shape,
    pub(super) paths: Vec<Shape>,
}

impl Shapes {
    /// None where an instruction cannot be built.
    pub(super) fn of(book: &Book, request: &Request, paths: &[Path<'_>], amount: Atoms) -> Option<Self> {
        let mut parts = Parts::default();
        let formats = book.formats();
        let frame =
            parts.frame(book.token(request.mint_in)?, book.token(request.mint_out)?, book.is_tipped());
        let mut drafts = Vec::with_capacity(paths.len());
        for path in paths {
            let mut draft = vec![parts.hop(&path.first, path.begins_exact_out(), amount)?];
            if let Some(second) = &path.second {
                draft.push(parts.hop(&second.hop, false, amount)?);
                draft.push(parts.token(book.token(second.hop.mint_in)?));
            }
            drafts.push(draft);
        }
        let shapes = parts.shapes(formats);
        let shape = |parts: &[usize]| {
            parts
                .iter()
                .filter_map(|part| shapes.get(*part))
                .fold(Shape::default(), |sum, part| sum.and(*part))
        };
        let frame = Shape { newest: formats.newest(), ..shape(&[frame]) };
        Some(Self { frame, paths: drafts.iter().map(|draft| shape(draft)).collect() })
    }
}

/// True if the transaction of the path alone is short enough to be sent.
pub(super) fn fits(book: &Book, request: &Request, path: &Path<'_>) -> bool {
    let shapes = Shapes::of(book, request, std::slice::from_ref(path), request.amount);
    shapes.is_some_and(|shapes| shapes.paths.iter().all(|path| shapes.frame.and(*path).fits()))
}

/// The parts of a transaction: once each, however many paths want it.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
    pools: HashMap<PoolAddress, usize>,
    tokens: HashMap<Mint, usize>,
}

#[derive(Default)]
struct Part {
    addresses: Vec<Pubkey>,
    /// Those of them that are programs which it calls.
    called: Vec<Pubkey>,
    opened: u64,
    instructions: usize,
    bytes: usize,
}

impl Parts {
    fn add(&mut self, part: Part) -> usize {
        self.parts.push(part);
        self.parts.len().saturating_sub(1)
    }

    /// The part of every route: the order's marker, the output's account, the input's if it is SOL, and the tip.
    fn frame(&mut self, token_in: &Token, token_out: &Token, tipped: bool) -> usize {
        // One instruction makes the marker, or what was wrapped SOL's account into it.
        let mut part = Part { addresses: vec![WALLET, BUDGET], instructions: 1, ..Part::default() };
        if token_in.is_native() || token_out.is_native() {
            part.opened |= part.wrapped();
            part.bytes = part.bytes.saturating_add(REFILLING);
        } else {
            part.addresses.extend([MARKER, SYSTEM]);
            part.called.push(SYSTEM);
            part.bytes = part.bytes.saturating_add(CREATING);
        }
        if !token_out.is_native() {
            part.associated(token_out);
            part.add(ASSOCIATING);
        }
        if tipped {
            // The marker's instruction has named the system program.
            part.addresses.push(TIPPED);
            part.add(TIPPING);
        }
        self.add(part)
    }

    /// The account of an intermediate token.
    fn token(&mut self, token: &Token) -> usize {
        if let Some(known) = self.tokens.get(&token.mint) {
            return *known;
        }
        let mut part = Part::default();
        part.opened = if token.is_native() {
            part.wrapped()
        } else {
            part.associated(token);
            let place = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX).saturating_add(1);
            1u64.checked_shl(place).unwrap_or(1 << 63)
        };
        let place = self.add(part);
        self.tokens.insert(token.mint, place);
        place
    }

    /// The swap in one pool.
    fn hop(&mut self, hop: &Hop<'_>, exact_out: bool, amount: Atoms) -> Option<usize> {
        if let Some(known) = self.pools.get(&hop.candidate.entry.address) {
            return Some(*known);
        }
        let trader =
            Trader { owner: WALLET, source: account(hop.mint_in), destination: account(hop.mint_out) };
        let limit = if exact_out {
            Limit::ExactOut { amount_out: amount, max_in: amount }
        } else {
            Limit::ExactIn { amount_in: amount, min_out: amount }
        };
        let instruction = hop.candidate.market.instruction(&trader, hop.mint_in, limit).ok()?;
        // The program, the counts of accounts and of data.
        let bytes = instruction.accounts.len().saturating_add(instruction.data.len()).saturating_add(3);
        let mut addresses: Vec<Pubkey> = instruction.accounts.iter().map(|account| account.pubkey).collect();
        addresses.push(instruction.program_id);
        addresses.sort_unstable();
        addresses.dedup();
        let place = self.add(Part {
            addresses,
            called: vec![instruction.program_id],
            opened: 0,
            instructions: 1,
            bytes,
        });
        self.pools.insert(hop.candidate.entry.address, place);
        Some(place)
    }

    /// Each part with a bit for each address that some other has too.
    fn shapes(&self, formats: &Formats) -> Vec<Shape> {
        let mut count: HashMap<Pubkey, u32> = HashMap::new();
        for address in self.parts.iter().flat_map(|part| &part.addresses) {
            let count = count.entry(*address).or_default();
            *count = count.saturating_add(1);
        }
        let mut bits: HashMap<Pubkey, u128> = HashMap::new();
        let mut shape = |part: &Part| {
            let (opened, instructions, bytes) = (part.opened, part.instructions, part.bytes);
            let mut shape = Shape { opened, instructions, bytes, ..Shape::default() };
            for address in &part.addresses {
                let next = 1u128.checked_shl(u32::try_from(bits.len()).unwrap_or(u32::MAX));
                // Several paths may go through the token of one part.
                let shared = part.opened != 0 || count.get(address).is_some_and(|count| *count > 1);
                let bit = next.filter(|_| shared).map(|next| *bits.entry(*address).or_insert(next));
                let table = formats.place(address).filter(|_| !part.called.contains(address));
                // An address too many is counted each time: the length is never taken for less than it is.
                shape.name(bit, table.filter(|_| bit.is_some() || !shared));
            }
            shape
        };
        self.parts.iter().map(&mut shape).collect()
    }
}

impl Part {
    /// Adds an instruction of so many bytes.
    fn add(&mut self, bytes: usize) {
        self.instructions = self.instructions.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Names what wrapped SOL needs, and gives its bit.
    fn wrapped(&mut self) -> u64 {
        self.addresses.extend([SYSTEM, transaction::program_id(Program::SplToken)]);
        self.called.extend([SYSTEM, transaction::program_id(Program::SplToken)]);
        self.addresses.extend([account(NATIVE_MINT), NATIVE_MINT.pubkey()]);
        WRAPPED
    }

    /// Names what an associated account needs.
    fn associated(&mut self, token: &Token) {
        self.addresses.extend([SYSTEM, transaction::program_id(token.program), ASSOCIATED_TOKEN_PROGRAM]);
        // A pool's program may name it without calling it.
        self.called.push(ASSOCIATED_TOKEN_PROGRAM);
        self.addresses.extend([account(token.mint), token.mint.pubkey()]);
    }
}

/// Stands for the wallet's account of a token.
fn account(mint: Mint) -> Pubkey {
    Pubkey::new_from_array(mint.to_bytes().map(|byte| !byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_table_leaves_room_for_so_many_accounts_and_no_more() {
        let named = |count: usize| {
            let mut shape = Shape::default();
            (0..count).for_each(|_| shape.name(None, Some(0)));
            shape
        };
        let most = transaction::ACCOUNTS_MAX;
        assert!(named(most).fits() && !named(most + 1).fits());
        assert!(named(most + 1).length(Version::V0) < transaction::LENGTH_MAX, "it is not the length");
    }
}
