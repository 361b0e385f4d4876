use solana_account::Account;
use solana_instruction::error::InstructionError;
use solana_instruction::{AccountMeta, Instruction};
use solana_program_runtime::invoke_context::InvokeContext;
use solana_pubkey::Pubkey;

/// An instruction as a program receives it, copied out of the runtime.
pub(super) struct Call {
    pub(super) addresses: Vec<Pubkey>,
    pub(super) accounts: Vec<Account>,
    pub(super) data: Vec<u8>,
}

impl Call {
    pub(super) fn read(context: &InvokeContext<'_, '_>) -> Result<Self, InstructionError> {
        let instruction = context.transaction_context.get_current_instruction_context()?;
        let mut call = Self {
            addresses: Vec::new(),
            accounts: Vec::new(),
            data: instruction.get_instruction_data().to_vec(),
        };
        for index in 0..instruction.get_number_of_instruction_accounts() {
            let account = instruction.try_borrow_instruction_account(index)?;
            call.addresses.push(*account.get_key());
            call.accounts.push(Account {
                lamports: account.get_lamports(),
                data: account.get_data().to_vec(),
                owner: *account.get_owner(),
                executable: false,
                rent_epoch: account.get_rent_epoch(),
            });
        }
        Ok(call)
    }

    pub(super) fn account(&self, address: &Pubkey) -> Option<&Account> {
        self.accounts.get(self.position(address)?)
    }

    pub(super) fn position(&self, address: &Pubkey) -> Option<usize> {
        self.addresses.iter().position(|named| named == address)
    }
}

/// Changes an account of the current instruction which the program owns.
pub(super) fn edit<E>(
    context: &InvokeContext<'_, '_>,
    position: usize,
    change: impl FnOnce(&mut [u8]) -> Result<(), E>,
) -> Result<(), InstructionError> {
    let position = u16::try_from(position).map_err(|_| InstructionError::MissingAccount)?;
    let instruction = context.transaction_context.get_current_instruction_context()?;
    let mut account = instruction.try_borrow_instruction_account(position)?;
    change(account.get_data_mut()?).map_err(|_| InstructionError::InvalidAccountData)
}

/// A line in the transaction's log, as programs write them.
pub(super) fn log(context: &InvokeContext<'_, '_>, message: &str) {
    if let Some(log) = context.get_log_collector()
        && let Ok(mut log) = log.try_borrow_mut()
    {
        log.log(&format!("Program log: {message}"));
    }
}

/// Tokens that move from one account to another.
pub(super) struct Transfer {
    pub(super) token_program: Pubkey,
    pub(super) source: Pubkey,
    /// The mint, if the program that transfers was given it.
    pub(super) mint: Option<Pubkey>,
    pub(super) destination: Pubkey,
    pub(super) authority: Pubkey,
    pub(super) amount: u64,
    pub(super) decimals: u8,
}

/// The tags of the transfers in both token programs, without and with the mint.
const TRANSFER: u8 = 3;
const TRANSFER_CHECKED: u8 = 12;

impl Transfer {
    /// Calls the token program; `seeds` make the authority if it is the program's own address.
    pub(super) fn invoke(
        &self,
        context: &mut InvokeContext<'_, '_>,
        seeds: &[&[&[u8]]],
    ) -> Result<(), InstructionError> {
        let mut data = vec![if self.mint.is_some() { TRANSFER_CHECKED } else { TRANSFER }];
        data.extend(self.amount.to_le_bytes());
        let mut accounts = vec![AccountMeta::new(self.source, false)];
        if let Some(mint) = self.mint {
            data.push(self.decimals);
            accounts.push(AccountMeta::new_readonly(mint, false));
        }
        accounts.push(AccountMeta::new(self.destination, false));
        accounts.push(AccountMeta::new_readonly(self.authority, true));
        let instruction = Instruction { program_id: self.token_program, accounts, data };
        context.native_invoke_signed(instruction, seeds)
    }
}

/// Calls the system program to make an account of so many lamports and bytes at an address of the program's own,
/// which these seeds make.
pub(super) fn create(
    context: &mut InvokeContext<'_, '_>,
    payer: Pubkey,
    address: Pubkey,
    [lamports, space]: [u64; 2],
    owner: Pubkey,
    seeds: &[&[u8]],
) -> Result<(), InstructionError> {
    let mut data = CREATE_ACCOUNT.to_le_bytes().to_vec();
    data.extend(lamports.to_le_bytes());
    data.extend(space.to_le_bytes());
    data.extend(owner.to_bytes());
    let accounts = vec![AccountMeta::new(payer, true), AccountMeta::new(address, true)];
    let instruction = Instruction { program_id: SYSTEM_PROGRAM, accounts, data };
    context.native_invoke_signed(instruction, &[seeds])
}

/// The system program, and the tag of its instruction that makes an account.
const SYSTEM_PROGRAM: Pubkey = Pubkey::new_from_array([0; 32]);
const CREATE_ACCOUNT: u32 = 0;
