use super::call::{Call, Transfer, edit, log};
use crate::token::{self, Holding};
use amm::{Authority, Limit, Market, Payer, Pool};
use amm_programs::{Execution, SwapInstruction};
use order_core::{Mint, Venue};
use solana_account::Account;
use solana_instruction::error::InstructionError;
use solana_program_runtime::invoke_context::InvokeContext;
use solana_pubkey::Pubkey;

/// Error codes of Anchor programs for an account that is not the expected one, or not of the expected kind.
const CONSTRAINT_ADDRESS: u32 = 2012;
const ACCOUNT_DISCRIMINATOR_MISMATCH: u32 = 3002;
const ACCOUNT_NOT_INITIALIZED: u32 = 3012;

/// A pool program's swap: reads what it is called with, calculates as the real program does,
/// moves the tokens and writes the pool's new state.
pub(super) fn process(venue: Venue, context: &mut InvokeContext<'_, '_>) -> Result<(), InstructionError> {
    let call = Call::read(context)?;
    let calculated = calculate(venue, context, &call);
    let calculation = calculated.map_err(|error| logged(venue, context, error))?;
    transfer(context, &call, &calculation)?;
    let Calculation { execution, .. } = calculation;
    for address in execution.changed() {
        let position = call.position(&address).ok_or(InstructionError::MissingAccount)?;
        edit(context, position, |data| execution.apply(&address, data))?;
    }
    Ok(())
}

/// The swap of a program that was changed: of what it should give, one unit goes back to the pool.
pub(super) fn keep_a_unit(
    venue: Venue,
    context: &mut InvokeContext<'_, '_>,
    swap: impl FnOnce(&mut InvokeContext<'_, '_>) -> Result<(), InstructionError>,
) -> Result<(), InstructionError> {
    let call = Call::read(context)?;
    let instruction =
        SwapInstruction::decode(venue, &call.addresses, &call.data).map_err(InstructionError::Custom)?;
    let pool = call.account(&instruction.pool).ok_or(InstructionError::MissingAccount)?;
    let pool =
        Pool::decode(instruction.pool.into(), pool).map_err(|_| InstructionError::InvalidAccountData)?;
    let mint_in = mint_of_source(&call, &instruction)?;
    let vaults = pool.vaults().into_iter().zip(pool.mints());
    let vault = vaults.filter(|(_, mint)| *mint != mint_in).map(|(vault, _)| vault).next();
    let vault = vault.ok_or(InstructionError::MissingAccount)?;
    let token_program = call.account(&vault).ok_or(InstructionError::MissingAccount)?.owner;
    swap(context)?;
    let unit = Transfer {
        token_program,
        source: instruction.destination,
        mint: None,
        destination: vault,
        authority: instruction.owner,
        amount: 1,
        decimals: 0,
    };
    unit.invoke(context, &[])
}

/// The instruction that the program got, and the swap that it will do.
pub(super) struct Calculation {
    pub(super) instruction: SwapInstruction,
    pub(super) execution: Execution,
    /// Who signs when tokens leave the vaults.
    pub(super) authority: Authority,
}

/// An error with which the program is about to fail, after it has told its name to the log.
pub(super) fn logged(
    venue: Venue,
    context: &InvokeContext<'_, '_>,
    error: InstructionError,
) -> InstructionError {
    if let InstructionError::Custom(code) = error {
        let (_, name) = amm::failure(venue, code);
        log(context, &format!("AnchorError occurred. Error Code: {name}. Error Number: {code}."));
    }
    error
}

pub(super) fn calculate(
    venue: Venue,
    context: &InvokeContext<'_, '_>,
    call: &Call,
) -> Result<Calculation, InstructionError> {
    let instruction =
        SwapInstruction::decode(venue, &call.addresses, &call.data).map_err(InstructionError::Custom)?;
    log(context, &format!("Instruction: {}", name(venue, instruction.limit)));
    let market = market(venue, context, call, &instruction)?;
    let mint_in = mint_of_source(call, &instruction)?;
    let execution =
        amm_programs::execute(&market, &instruction, mint_in).map_err(InstructionError::Custom)?;
    Ok(Calculation { instruction, execution, authority: market.authority() })
}

/// The instruction's name in the logs of the real programs.
fn name(venue: Venue, limit: Limit) -> &'static str {
    match (venue, limit) {
        (Venue::RaydiumCpmm, Limit::ExactIn { .. }) => "SwapBaseInput",
        (Venue::RaydiumCpmm, Limit::ExactOut { .. }) => "SwapBaseOutput",
        (Venue::RaydiumClmm | Venue::OrcaWhirlpool, Limit::ExactIn { .. } | Limit::ExactOut { .. }) => {
            "SwapV2"
        }
        (Venue::RaydiumAmmV4, Limit::ExactIn { .. }) => "SwapBaseInV2",
        (Venue::RaydiumAmmV4, Limit::ExactOut { .. }) => "SwapBaseOutV2",
        (Venue::MeteoraDammV1, Limit::ExactIn { .. } | Limit::ExactOut { .. }) => "Swap",
        (Venue::MeteoraDammV2, Limit::ExactIn { .. } | Limit::ExactOut { .. }) => "Swap2",
        (Venue::MeteoraDlmm, Limit::ExactIn { .. }) => "Swap2",
        (Venue::PumpSwap, Limit::ExactIn { .. }) => "Sell",
        (Venue::PumpSwap, Limit::ExactOut { .. }) => "Buy",
        (Venue::MeteoraDlmm, Limit::ExactOut { .. }) => "SwapExactOut2",
    }
}

fn market(
    venue: Venue,
    context: &InvokeContext<'_, '_>,
    call: &Call,
    instruction: &SwapInstruction,
) -> Result<Market, InstructionError> {
    let clock = context.environment_config.sysvar_cache().get_clock()?;
    let clock = amm::Clock { slot: clock.slot, epoch: clock.epoch, unix_timestamp: clock.unix_timestamp };
    let address = instruction.pool;
    let account = call.account(&address).ok_or(InstructionError::MissingAccount)?;
    let unreadable = |error: amm::DecodeError| {
        log(context, &error.to_string());
        InstructionError::Custom(ACCOUNT_DISCRIMINATOR_MISMATCH)
    };
    let pool = Pool::decode(address.into(), account).map_err(unreadable)?;
    if pool.venue() != venue {
        return Err(InstructionError::Custom(CONSTRAINT_ADDRESS));
    }
    // Some of the older programs are not given the mints, and need none.
    let mints = pool.mints().map(Mint::pubkey);
    let stand_in = Account::from(token::mint(0, 0, 0));
    let read =
        |address: &Pubkey| call.account(address).or_else(|| mints.contains(address).then_some(&stand_in));
    pool.load(read, clock).map_err(unreadable)
}

/// Which of the two tokens goes in is told by the account it comes from.
fn mint_of_source(call: &Call, instruction: &SwapInstruction) -> Result<Mint, InstructionError> {
    let source = call.account(&instruction.source).ok_or(InstructionError::MissingAccount)?;
    let holding = Holding::decode(&source.clone().into());
    holding.map(|holding| holding.mint.into()).ok_or(InstructionError::Custom(ACCOUNT_NOT_INITIALIZED))
}

fn transfer(
    context: &mut InvokeContext<'_, '_>,
    call: &Call,
    calculation: &Calculation,
) -> Result<(), InstructionError> {
    let Calculation { instruction, execution, authority } = calculation;
    let swapped = &execution.swapped;
    let given = |mint: Mint| Some(mint.pubkey()).filter(|address| call.position(address).is_some());
    let to_pool = Transfer {
        token_program: amm::token_program_id(swapped.token_in.program),
        source: instruction.source,
        mint: given(swapped.token_in.mint),
        destination: swapped.vault_in,
        authority: instruction.owner,
        amount: swapped.amount_in.get().saturating_sub(swapped.paid_by(Payer::Trader).get()),
        decimals: swapped.token_in.decimals,
    };
    let to_trader = Transfer {
        token_program: amm::token_program_id(swapped.token_out.program),
        source: swapped.vault_out,
        mint: given(swapped.token_out.mint),
        destination: instruction.destination,
        authority: authority.address,
        amount: swapped.amount_out.get(),
        decimals: swapped.token_out.decimals,
    };
    let seeds: Vec<&[u8]> = authority.seeds.iter().map(Vec::as_slice).collect();
    to_pool.invoke(context, &[])?;
    to_trader.invoke(context, &[&seeds])?;
    for payment in &swapped.payments {
        let (whole, seeds): (_, &[&[&[u8]]]) = match payment.payer {
            Payer::Trader => (&to_pool, &[]),
            Payer::Vault => (&to_trader, &[&seeds]),
        };
        let part = Transfer { destination: payment.account, amount: payment.amount.get(), ..*whole };
        part.invoke(context, seeds)?;
    }
    Ok(())
}
