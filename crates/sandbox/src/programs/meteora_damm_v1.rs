use super::call::{Call, Transfer, edit};
use super::swap::{Calculation, calculate, logged};
use crate::token;
use amm::Authority;
use amm_programs::{VaultAccounts, VaultCall};
use order_core::{Atoms, Venue};
use solana_instruction::error::InstructionError;
use solana_program_runtime::invoke_context::InvokeContext;
use solana_pubkey::Pubkey;

/// A swap between two vaults: the protocol gets its fee, the rest is deposited in one vault, and shares
/// of the other are given back for what the trader receives.
pub(super) fn swap(context: &mut InvokeContext<'_, '_>) -> Result<(), InstructionError> {
    let venue = Venue::MeteoraDammV1;
    let call = Call::read(context)?;
    let calculated = calculate(venue, context, &call);
    let calculation = calculated.map_err(|error| logged(venue, context, error))?;
    let Calculation { instruction, execution, authority } = &calculation;
    let swapped = &execution.swapped;
    let sides = sides(&call)?;
    let a_to_b = sides[0].token_vault == swapped.vault_in;
    let (side_in, side_out) = if a_to_b { (&sides[0], &sides[1]) } else { (&sides[1], &sides[0]) };
    let mut deposited = swapped.amount_in;
    for payment in &swapped.payments {
        deposited = deposited.checked_sub(payment.amount).ok_or(InstructionError::ArithmeticOverflow)?;
        let transfer = Transfer {
            token_program: token::SPL_TOKEN,
            source: instruction.source,
            mint: None,
            destination: payment.account,
            authority: instruction.owner,
            amount: payment.amount.get(),
            decimals: swapped.token_in.decimals,
        };
        transfer.invoke(context, &[])?;
    }
    let deposit = VaultCall::Deposit { amount: deposited, min_shares: Atoms::ZERO };
    let accounts = side_in.accounts(instruction.source, instruction.owner);
    context.native_invoke_signed(deposit.instruction(&accounts), &[])?;
    let shares = shares_given_back(&call, &calculation, side_out.lp_mint)?;
    let withdrawal = VaultCall::Withdraw { shares, min_amount: swapped.received };
    let accounts = side_out.accounts(instruction.destination, authority.address);
    signed(context, withdrawal.instruction(&accounts), authority)
}

/// One token's accounts of a swap.
struct Side {
    vault: Pubkey,
    token_vault: Pubkey,
    lp_mint: Pubkey,
    pool_lp: Pubkey,
}

impl Side {
    fn accounts(&self, user_token: Pubkey, user: Pubkey) -> VaultAccounts {
        let Self { vault, token_vault, lp_mint, pool_lp } = *self;
        VaultAccounts { vault, token_vault, lp_mint, user_token, user_lp: pool_lp, user }
    }
}

fn sides(call: &Call) -> Result<[Side; 2], InstructionError> {
    let [_, _, _, vault_a, vault_b, tokens_a, tokens_b, mint_a, mint_b, shares_a, shares_b, ..] =
        call.addresses[..]
    else {
        return Err(InstructionError::MissingAccount);
    };
    Ok([
        Side { vault: vault_a, token_vault: tokens_a, lp_mint: mint_a, pool_lp: shares_a },
        Side { vault: vault_b, token_vault: tokens_b, lp_mint: mint_b, pool_lp: shares_b },
    ])
}

/// By how many shares the swap lets their supply shrink.
fn shares_given_back(
    call: &Call,
    calculation: &Calculation,
    lp_mint: Pubkey,
) -> Result<Atoms, InstructionError> {
    let account = call.account(&lp_mint).ok_or(InstructionError::MissingAccount)?;
    let mut after = account.clone();
    let applied = calculation.execution.apply(&lp_mint, &mut after.data);
    applied.map_err(|_| InstructionError::InvalidAccountData)?;
    let supply = |account: &solana_account::Account| token::supply(&account.clone().into());
    let shares = supply(account).zip(supply(&after)).and_then(|(before, after)| before.checked_sub(after));
    shares.map(Atoms::new).ok_or(InstructionError::InvalidAccountData)
}

/// The program that keeps the vaults.
pub(super) fn vault(context: &mut InvokeContext<'_, '_>) -> Result<(), InstructionError> {
    let call = Call::read(context)?;
    let (request, accounts) =
        VaultCall::decode(&call.addresses, &call.data).map_err(InstructionError::Custom)?;
    let read = |address: &Pubkey| call.account(address).ok_or(InstructionError::MissingAccount);
    let clock = context.environment_config.sysvar_cache().get_clock()?;
    let clock = amm::Clock { slot: clock.slot, epoch: clock.epoch, unix_timestamp: clock.unix_timestamp };
    let change = request
        .execute(&accounts, read(&accounts.vault)?, read(&accounts.lp_mint)?, clock)
        .map_err(InstructionError::Custom)?;
    let transfer = |source, destination, authority| Transfer {
        token_program: token::SPL_TOKEN,
        source,
        mint: None,
        destination,
        authority,
        amount: change.amount.get(),
        decimals: 0,
    };
    let authority = &change.authority;
    match request {
        VaultCall::Deposit { .. } => {
            transfer(accounts.user_token, accounts.token_vault, accounts.user).invoke(context, &[])?;
            let minted = token::mint_to(accounts.lp_mint, accounts.user_lp, authority.address, change.shares);
            signed(context, minted, authority)?;
        }
        VaultCall::Withdraw { .. } => {
            let burnt = token::burn(accounts.user_lp, accounts.lp_mint, accounts.user, change.shares);
            context.native_invoke_signed(burnt, &[])?;
            let seeds: Vec<&[u8]> = authority.seeds.iter().map(Vec::as_slice).collect();
            let paid = transfer(accounts.token_vault, accounts.user_token, authority.address);
            paid.invoke(context, &[&seeds])?;
        }
    }
    let position = call.position(&accounts.vault).ok_or(InstructionError::MissingAccount)?;
    edit(context, position, |data| change.apply(data))
}

fn signed(
    context: &mut InvokeContext<'_, '_>,
    instruction: solana_instruction::Instruction,
    authority: &Authority,
) -> Result<(), InstructionError> {
    let seeds: Vec<&[u8]> = authority.seeds.iter().map(Vec::as_slice).collect();
    context.native_invoke_signed(instruction, &[&seeds])
}
