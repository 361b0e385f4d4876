//! The order marker: an account that the chain lets only one transaction of an order create.

use crate::{Instruction, SignerError, Wallet};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use order_core::order::{self, Intent, Marker};
use order_core::token::Program;
use order_core::{Atoms, Token};
use sha2::{Digest as _, Sha256};
use solana_pubkey::Pubkey;
use solana_system_interface::instruction::{create_account_with_seed, transfer_with_seed};

/// Bytes of data that a marker holds: none.
pub const MARKER_LENGTH: u64 = 0;

/// Characters of a seed. Each stands for six bits, so 96 bits must be guessed.
pub const SEED_LENGTH: usize = 16;
/// Bytes that a seed of [`SEED_LENGTH`] characters encodes.
const SEED_BYTES: usize = SEED_LENGTH / 4 * 3;

/// Separates this signature from everything else that the wallet signs. No transaction begins like this.
const SIGNED_TEXT: &str = "order marker, version 1";

impl Wallet {
    /// The marker of an order's `generation`. The same wallet gives the same marker, wherever it runs and
    /// whatever a database has lost; nobody else can tell it before a transaction with it is public.
    ///
    /// The seed is the hash of a signature, which needs signatures that are deterministic, as Ed25519's are.
    ///
    /// # Errors
    /// The signer gives no signature.
    pub async fn marker(
        &self,
        id: order::Id,
        intent: &Intent,
        generation: u32,
    ) -> Result<Marker, SignerError> {
        let signature = self.sign(format!("{SIGNED_TEXT}: {id} {generation}").as_bytes()).await?;
        let hash = Sha256::digest(signature.as_ref());
        let bytes = hash.get(..SEED_BYTES).unwrap_or_default();
        let seed = BASE64_URL.encode(bytes);
        let owner = marker_program(intent.token_in(), intent.token_out());
        let address = seeded_account(&self.pubkey(), &seed, &owner);
        Ok(Marker { address: address.into(), wallet: self.pubkey().into(), seed, generation })
    }
}

/// The program that a marker's address is derived with.
///
/// An order for SOL opens an account for wrapped SOL anyway. That account is its marker too: it is filled
/// again after it was closed. Every other order makes a system account. The order's tokens decide, not the
/// route, so that all transactions of an order have the same marker.
pub(crate) fn marker_program(token_in: &Token, token_out: &Token) -> Pubkey {
    if token_in.is_native() || token_out.is_native() {
        crate::transaction::program_id(Program::SplToken)
    } else {
        solana_system_interface::program::ID
    }
}

/// The address that a wallet's seed makes with a program.
#[expect(clippy::expect_used, reason = "seeds have the allowed length and the programs are fixed")]
pub(crate) fn seeded_account(wallet: &Pubkey, seed: &str, program: &Pubkey) -> Pubkey {
    Pubkey::create_with_seed(wallet, seed, program).expect("a short seed makes an address")
}

/// Creates the marker of an order that opens no account for wrapped SOL. It fails if the address holds any
/// lamports.
pub(crate) fn create(marker: &Marker, rent: Atoms) -> Instruction {
    let (wallet, address) = (marker.wallet.pubkey(), marker.address.pubkey());
    let system = solana_system_interface::program::ID;
    create_account_with_seed(&wallet, &address, &wallet, &marker.seed, rent.get(), MARKER_LENGTH, &system)
}

/// Gives a marker's lamports back to its wallet. From then on the chain no longer refuses a second
/// transaction of its order: every one must be certainly dead before.
pub(crate) fn reclaim(marker: &Marker, lamports: Atoms) -> Option<Instruction> {
    let (wallet, address) = (marker.wallet.pubkey(), marker.address.pubkey());
    let programs = [solana_system_interface::program::ID, crate::transaction::program_id(Program::SplToken)];
    let program = programs.into_iter().find(|program| {
        Pubkey::create_with_seed(&wallet, &marker.seed, program).is_ok_and(|derived| derived == address)
    })?;
    let seed = marker.seed.clone();
    Some(transfer_with_seed(&address, &wallet, seed, &program, &wallet, lamports.get()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::{Slippage, token};

    fn intent(token_in: &str, token_out: &str) -> Intent {
        let known = |symbol: &str| token::known().find(|token| token.symbol == symbol).unwrap();
        let slippage = Slippage::parse("0.01").unwrap();
        Intent::market(known(token_in), known(token_out), Atoms::new(1), slippage, None).unwrap()
    }

    #[tokio::test]
    async fn marker_depends_on_wallet_order_and_generation_alone() {
        let [one, other] = ["018f4d2e-7c1a-7000-8000-000000000001", "018f4d2e-7c1a-7000-8000-000000000002"]
            .map(|id| id.parse::<order::Id>().unwrap());
        let usdc = intent("USDC", "USDT");
        let marker = Wallet::for_test(7).marker(one, &usdc, 0).await.unwrap();
        assert_eq!(marker, Wallet::for_test(7).marker(one, &usdc, 0).await.unwrap());
        assert_eq!(marker.seed.len(), SEED_LENGTH);
        for different in [
            Wallet::for_test(7).marker(one, &usdc, 1).await.unwrap(),
            Wallet::for_test(7).marker(other, &usdc, 0).await.unwrap(),
            Wallet::for_test(6).marker(one, &usdc, 0).await.unwrap(),
        ] {
            assert_ne!((&marker.address, &marker.seed), (&different.address, &different.seed));
        }
    }

    #[tokio::test]
    async fn every_marker_can_be_reclaimed_by_its_address_alone() {
        let id = "018f4d2e-7c1a-7000-8000-000000000001".parse().unwrap();
        for tokens in [("USDC", "USDT"), ("SOL", "USDC"), ("USDC", "SOL")] {
            let marker = Wallet::for_test(7).marker(id, &intent(tokens.0, tokens.1), 0).await.unwrap();
            let instruction = reclaim(&marker, Atoms::new(890_880)).unwrap();
            assert_eq!(instruction.accounts[0].pubkey, marker.address.pubkey());
            assert_eq!(instruction.accounts[2].pubkey, marker.wallet.pubkey());
            let elsewhere = Marker { seed: "0000000000000000".to_owned(), ..marker };
            assert_eq!(reclaim(&elsewhere, Atoms::new(1)), None);
        }
    }
}
