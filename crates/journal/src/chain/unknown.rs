//! Landings that the chain has seen and this database has not, as after a backup was restored.

use super::Landings;
use crate::database::{Error, metrics};
use order_core::Signature;

impl Landings {
    /// Those of some signatures that no order of this database has, and no operator has adopted.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn unknown(&self, signatures: &[Signature]) -> Result<Vec<Signature>, Error> {
        const DOING: &str = "compare the chain's transactions with the database's";
        let asked: Vec<String> = signatures.iter().map(ToString::to_string).collect();
        let read = sqlx::query_scalar(UNKNOWN).bind(&asked).fetch_all(&self.pool);
        let unknown: Vec<String> = metrics::statement("unknown_signatures", read)
            .await
            .map_err(|error| Error::from_statement(DOING, error))?;
        Ok(signatures.iter().filter(|signature| unknown.contains(&signature.to_string())).copied().collect())
    }

    /// Notes that an operator has seen a transaction which this database did not know, for a reason of 1 to 1000
    /// bytes. It no longer keeps trading halted.
    ///
    /// # Errors
    /// The database does not answer, or refuses the reason.
    pub async fn adopt(&self, signature: &Signature, reason: &str) -> Result<(), Error> {
        let adopt = sqlx::query(ADOPT).bind(signature.to_string()).bind(reason).execute(&self.pool);
        let adopted = metrics::statement("adopt", adopt).await;
        adopted.map(drop).map_err(|error| Error::from_statement("adopt a transaction", error))
    }
}

const UNKNOWN: &str = "
SELECT asked.signature FROM unnest($1::text[]) AS asked (signature)
WHERE NOT EXISTS (SELECT FROM transactions WHERE transactions.signature = asked.signature)
  AND NOT EXISTS (SELECT FROM adopted_transactions AS adopted WHERE adopted.signature = asked.signature)";

const ADOPT: &str = "
INSERT INTO adopted_transactions (signature, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING";
